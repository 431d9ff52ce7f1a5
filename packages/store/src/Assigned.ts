// Of every trial, the epoch of its newest dispatch. Owns the fence at the disk: what an earlier attempt still sends was
// accepted once and lay waiting, or comes from an agent that knows no better, and is not written.
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"

interface Attempt {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly epoch: Epoch
}

export class Assigned {
  private readonly newest = new Map<string, Epoch>()

  take({ sweep, trial, epoch }: Attempt): void {
    this.newest.set(`${sweep}/${trial}`, epoch)
  }

  /** Also of an attempt whose trial was never assigned. */
  isNewest({ sweep, trial, epoch }: Attempt): boolean {
    return epoch >= (this.newest.get(`${sweep}/${trial}`) ?? 0)
  }
}
