// What is known of a host by how its attempts fail: one that fails everything gets no more work for a while, and the trials
// it failed go to another, at no cost to them. Owns counting and the waits. With nobody else to try, nothing can be told
// of a host: then a failure is the trial's.
import type { FailureClass } from "@sweep/domain/TrialEvent"

/** Failures in a row, of sweeps that do not fail on other hosts as well, with nothing between them that shows the host can train. */
const mostInARow = 3
/** Milliseconds without work: doubled each time that it fails on, up to the last. */
const firstWait = 5 * 60_000
const longestWait = 60 * 60_000
/** Hosts that a trial is taken from before the failure counts as its own. */
const mostReturns = 2

/** A missing package, a crash without a word: it may be the host's fault. What runs out of memory or diverges did train. */
const mayBeTheBox: Readonly<Record<FailureClass, boolean>> = {
  oom: false,
  diverged: false,
  data: false,
  dependency: true,
  unreported: false,
  bug: true,
}

export const isHostSuspect = (failure: FailureClass): boolean => mayBeTheBox[failure]

export class Breaker {
  /** Whose trials failed here in a row, a sweep once for each failure. */
  #row: Array<string> = []
  #opened = 0
  /** Whether an attempt on this host ever came so far that the host is known to train. */
  #proven = false
  /** Monotonic milliseconds. */
  #until = Number.NEGATIVE_INFINITY
  /** Trials that were taken from this host after it failed them, as `sweep/number`. */
  readonly #returned = new Set<string>()

  isOpen(now: number): boolean {
    return now < this.#until
  }

  /** Whether the failures in a row are also of this sweep. */
  hasFailed(sweep: string): boolean {
    return this.#row.includes(sweep)
  }

  /** The sweep has failed alike elsewhere: that says nothing of this host any more. */
  absolve(sweep: string): void {
    this.#row = this.#row.filter((other) => other !== sweep)
    if (this.#row.length >= mostInARow || this.#until === Number.NEGATIVE_INFINITY) return
    this.#until = Number.NEGATIVE_INFINITY
    this.#opened = Math.max(0, this.#opened - 1)
  }

  /** A user has looked after the host: what it failed before no longer counts. */
  reset(): void {
    this.#row = []
    this.#opened = 0
    this.#until = Number.NEGATIVE_INFINITY
    this.#returned.clear()
  }

  hasReturned(trial: string): boolean {
    return this.#returned.has(trial)
  }

  /** An attempt here trained. */
  trained(): void {
    this.#row = []
    this.#opened = 0
    this.#proven = true
    this.#until = Number.NEGATIVE_INFINITY
    this.#returned.clear()
  }

  /**
   * An attempt here failed. `others`: whether another host could run it; `returns`: how many hosts it was taken from.
   * Says whether the trial is to be taken from this host, and whether the host is quarantined from now on, in milliseconds.
   */
  failed(options: {
    readonly now: number
    readonly sweep: string
    /** Whether the sweep fails on another host, too, and trained on none: then it is the sweep's fault. */
    readonly alike: boolean
    readonly trial: string
    readonly class: FailureClass
    readonly others: boolean
    readonly returns: number
  }): { readonly returned: boolean; readonly quarantine: number | null } {
    const { now, trial, others, returns } = options
    if (!mayBeTheBox[options.class]) {
      this.trained()
      return { returned: false, quarantine: null }
    }
    if (!options.alike) this.#row.push(options.sweep)
    if (!others) return { returned: false, quarantine: null }
    const tooOften = this.#row.length >= mostInARow
    let quarantine: number | null = null
    if (tooOften && !this.isOpen(now)) {
      quarantine = Math.min(longestWait, firstWait * 2 ** this.#opened++)
      this.#until = now + quarantine
    }
    const returned = (tooOften || !this.#proven) && returns < mostReturns
    if (returned) this.#returned.add(trial)
    return { returned, quarantine }
  }
}
