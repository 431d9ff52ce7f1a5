// The contract of a sampler: which parameters to try next. A sampler is a pure function of the space, the history,
// the trial number and the sweep's seed: asked again with the same four, after a restart or on another machine, it
// gives the same answer. It never touches store, clock or a global random source, and never returns a point outside
// its space. It may keep a cache, as long as no answer depends on it.
import type { Metric } from "@sweep/domain/Metric"
import type { OutcomeConstraint } from "@sweep/domain/OutcomeConstraint"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import type { History } from "../space/History.ts"
import type { Curves } from "../stopping/Stopper.ts"

export type Suggestion =
  | { readonly _tag: "Suggested"; readonly parameters: Parameters }
  /** Nothing to run until an open trial ends. */
  | { readonly _tag: "Wait" }
  /** There is nothing left to try. */
  | { readonly _tag: "Exhausted" }

export interface SamplerInput {
  readonly space: SearchSpace
  readonly metric: Metric
  /** Every objective when there are several, `metric` being the first. */
  readonly metrics?: ReadonlyArray<Metric>
  /** Limits on what trials report. A trial that breaks one is not feasible, which is not the same as bad. */
  readonly outcomes?: ReadonlyArray<OutcomeConstraint>
  readonly seed: number
}

export interface Sampler {
  /**
   * `number` is that of the trial to come: 1 for the first. `curves` (by the numbers of the history) are looked at by
   * samplers that learn from unfinished trials.
   */
  readonly suggest: (history: History, number: number, curves?: Curves) => Suggestion
  /** How many trials there are in all; `null` when there is no end. */
  readonly size: number | null
}

export type SamplerFactory = (input: SamplerInput) => Sampler
