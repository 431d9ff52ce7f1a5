// Of a sweep whose trials are all known before any has a result, how long those are that share a prefix: so that a longer one
// can wait for a shorter one that is not made yet. Owns this knowledge, made once for each revision of a sweep.
import { beginningOf, epochsOf, searchesEpochs } from "@sweep/domain/beginning"
import type { SweepId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import { foresee } from "@sweep/search/foresee"
import { samplerFor } from "@sweep/search/samplerFor"
import { seedOf } from "../state/replicas.ts"

type Lengths = ReadonlyMap<string, ReadonlySet<number>>

const none: ReadonlySet<number> = new Set()

const lengthsOf = ({ spec }: SweepState): Lengths => {
  const lengths = new Map<string, Set<number>>()
  if (!searchesEpochs(spec)) return lengths
  const sets = foresee(spec, samplerFor(spec)) ?? []
  const runs = sets.flatMap((parameters) =>
    Array.from({ length: spec.replicas }, (_, replica) => ({ parameters, seed: seedOf(spec.seed, replica) })),
  )
  for (const run of runs.slice(0, spec.budget.trials ?? runs.length)) {
    const beginning = beginningOf(spec, run)
    if (beginning === null) continue
    const known = lengths.get(beginning) ?? new Set()
    lengths.set(beginning, known.add(epochsOf(run.parameters)))
  }
  return lengths
}

export class PlannedLengths {
  readonly #sweeps = new Map<SweepId, { readonly revision: number; readonly lengths: Lengths }>()

  /** Whether the sweep's trials are known beforehand, and some of them share a prefix. */
  isKnown(sweep: SweepState): boolean {
    return this.#lengths(sweep).size > 0
  }

  /** Epochs of the runs that begin so; none where they are not known. */
  of(sweep: SweepState, beginning: string): ReadonlySet<number> {
    return this.#lengths(sweep).get(beginning) ?? none
  }

  #lengths(sweep: SweepState): Lengths {
    let known = this.#sweeps.get(sweep.id)
    if (known?.revision !== sweep.revision) {
      known = { revision: sweep.revision, lengths: lengthsOf(sweep) }
      this.#sweeps.set(sweep.id, known)
    }
    return known.lengths
  }

  /** Of a sweep that has ended. */
  forget(sweep: SweepId): void {
    this.#sweeps.delete(sweep)
  }
}
