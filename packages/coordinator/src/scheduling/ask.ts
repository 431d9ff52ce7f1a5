// Which trial comes next in a sweep: what a person enqueued, then the sampler, each set of parameters in as many
// replicas as the sweep has. Owns this order, and asks the sampler as late as possible, so that it sees every result
// there is. Decides only; others record.
import { type Origin, sampled } from "@sweep/domain/Origin"
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepId } from "@sweep/domain/Id"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import { TrialNumber } from "@sweep/domain/Id"
import type { History } from "@sweep/search/History"
import type { Sampler, Suggestion } from "@sweep/search/Sampler"
import type { Curves } from "@sweep/search/Stopper"
import { samplerFor } from "@sweep/search/samplerFor"
import { within } from "@sweep/search/within"
import { spent } from "./budget.ts"
import { curvesOfSets, firstOf, placeOf, seedOf } from "../state/replicas.ts"
import { learnedHistory } from "./warmStart.ts"
import type { StateView } from "../state/StateView.ts"

export type Next =
  | {
      readonly _tag: "Trial"
      readonly number: TrialNumber
      readonly parameters: Parameters
      readonly seed: number
      readonly origin: Origin
    }
  /** Not before an open trial ends. */
  | { readonly _tag: "Wait" }
  /** No more trials will come. */
  | { readonly _tag: "None"; readonly reason: Reason }
  /** The sampler is defective: asked again it fails again. */
  | { readonly _tag: "Broken"; readonly reason: Reason }

/** What trials reported so far, by trial number; of sweeps without a stopping rule there is none. */
export type CurvesOf = (sweep: SweepId) => Curves | undefined

/** The next set of parameters given by hand that no trial has run for yet; one that is given twice is run twice. */
const nextGiven = (enqueue: SweepSpec["enqueue"], taken: ReadonlyMap<string, number>): Parameters | undefined => {
  const seen = new Map<string, number>()
  return enqueue.find((parameters) => {
    const text = canonicalText(parameters)
    const count = (seen.get(text) ?? 0) + 1
    seen.set(text, count)
    return count > (taken.get(text) ?? 0)
  })
}

/** Samplers are pure and may keep caches: one per sweep and revision. */
export class Samplers {
  readonly #samplers = new Map<SweepId, { readonly revision: number; readonly sampler: Sampler }>()
  readonly #views = new Map<SweepId, { readonly revision: number; readonly view: (history: History) => History }>()
  /** The last answer for each sweep, with the version of the history it rests on. */
  readonly #answers = new Map<SweepId, { readonly version: string; readonly suggestion: Suggestion }>()

  /** Throws what `samplerFor` throws. */
  of(sweep: { readonly id: SweepId; readonly revision: number; readonly spec: SweepSpec }): Sampler {
    const known = this.#samplers.get(sweep.id)
    if (known?.revision === sweep.revision) return known.sampler
    const sampler = samplerFor(sweep.spec)
    this.#samplers.set(sweep.id, { revision: sweep.revision, sampler })
    return sampler
  }

  /** Asked again before anything has changed, it need not be computed again. Throws what the sampler throws. */
  suggest(sweep: SweepState, state: StateView, set: number, curves: Curves | undefined): Suggestion {
    const version = `${sweep.revision}/${state.version(sweep.id)}/${set}`
    const known = this.#answers.get(sweep.id)
    if (known?.version === version && curves === undefined) return known.suggestion
    const suggestion = this.of(sweep).suggest(this.#view(sweep)(state.sets(sweep.id)), set, curves)
    this.#answers.set(sweep.id, { version, suggestion })
    return suggestion
  }

  #view(sweep: SweepState): (history: History) => History {
    const known = this.#views.get(sweep.id)
    if (known?.revision === sweep.revision) return known.view
    const learned = learnedHistory(sweep.spec)
    const inSpace = within(sweep.spec.space)
    const view = (history: History): History =>
      learned.length === 0 ? inSpace(history) : [...learned, ...inSpace(history)]
    this.#views.set(sweep.id, { revision: sweep.revision, view })
    return view
  }

  forget(sweep: SweepId): void {
    this.#samplers.delete(sweep)
    this.#views.delete(sweep)
    this.#answers.delete(sweep)
  }
}

/** `now` is in milliseconds since the Unix epoch. */
export const ask = (
  sweep: SweepState,
  state: StateView,
  samplers: Samplers,
  now: number,
  curvesOf: CurvesOf = () => undefined,
): Next => {
  const reason = spent(sweep, now)
  if (reason !== null) return { _tag: "None", reason }
  const { replicas, enqueue, seed } = sweep.spec
  const number = TrialNumber.make(sweep.trials.size + 1)
  const { set, replica } = placeOf(number, replicas)
  const trial = (parameters: Parameters, origin: Origin): Next => ({
    _tag: "Trial",
    number,
    parameters,
    seed: seedOf(seed, replica),
    origin,
  })
  if (replica > 0) {
    const first = firstOf(set, replicas)
    return trial(sweep.trials.get(first)!.parameters, { _tag: "Replica", of: first })
  }
  const given = nextGiven(enqueue, state.enqueued(sweep.id))
  if (given !== undefined) return trial(given, { _tag: "Enqueued" })
  const curves = curvesOf(sweep.id)
  let suggestion: Suggestion
  try {
    suggestion = samplers.suggest(sweep, state, set, curves === undefined ? undefined : curvesOfSets(curves, replicas))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { _tag: "Broken", reason: { _tag: "SamplerFailed", message } }
  }
  switch (suggestion._tag) {
    case "Suggested":
      return trial(suggestion.parameters, sampled)
    case "Exhausted":
      return { _tag: "None", reason: { _tag: "SpaceExhausted" } }
    case "Wait":
      return state.open(sweep.id).size > 0
        ? { _tag: "Wait" }
        : // Nothing is open that it could wait for.
          { _tag: "None", reason: { _tag: "SamplerExhausted" } }
  }
}
