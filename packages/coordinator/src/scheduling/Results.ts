// Which runs have been made, over all sweeps: what a new trial may take its result from. Owns what makes two runs the same:
// training configuration, model, data, seed, metric, probes and the versions that trained. Ended early counts as another
// run, and so does one whose model nobody fingerprinted.
import * as Result from "effect/Result"
import { canonicalJson } from "@sweep/domain/canonicalJson"
import type { Fact } from "@sweep/domain/Fact"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { builtInTaskMetrics } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { Journal } from "../state/Journal.ts"
import { trainingOf } from "./trialDocument.ts"

/** `undefined`: such a run is never the same as another. */
const runKey = (sweep: SweepState, { parameters, seed }: Pick<Trial, "parameters" | "seed">): string | undefined => {
  const { spec, versions } = sweep
  if (spec.trainer !== "peft" || spec.modelFingerprint === undefined) return undefined
  // What a function of a user's file measures is not seen in its path.
  const builtIn: ReadonlyArray<string> = builtInTaskMetrics
  if (spec.taskMetrics?.metrics.some((metric) => !builtIn.includes(metric)) === true) return undefined
  const training = trainingOf(spec, parameters)
  if (Result.isFailure(training) || training.success === null) return undefined
  const { data, model: _, ...config } = training.success
  const { name, goal, summary } = spec.metric
  return canonicalJson({
    config: { ...config, max_samples: data.max_samples },
    model: spec.modelFingerprint,
    train: spec.data.train.sha256,
    eval: spec.data.eval.sha256,
    seed,
    metric: { name, goal, summary },
    gpus: spec.resources.gpus,
    probes: spec.probes,
    ...(spec.taskMetrics === undefined ? {} : { taskMetrics: spec.taskMetrics }),
    versions,
  })
}

export class Results {
  readonly #journal: Journal
  readonly #byKey = new Map<string, { readonly sweep: SweepId; readonly trial: TrialNumber }>()
  /** Not looked at yet: most coordinators are never asked. */
  readonly #fresh: Array<{ readonly sweep: SweepId; readonly trial: TrialNumber }> = []

  constructor(journal: Journal) {
    this.#journal = journal
    this.#begin()
    journal.listen((facts) => {
      for (const fact of facts) {
        if (fact._tag === "TrialCompleted") this.#fresh.push({ sweep: fact.sweep, trial: fact.trial })
        if (fact._tag === "SweepRemoved") this.#begin()
      }
    })
  }

  /** From what is there now: the same run may have been made twice, and only one of them is known by its key. */
  #begin(): void {
    this.#byKey.clear()
    this.#fresh.length = 0
    for (const { id, trials } of this.#journal.state.sweeps.values()) {
      for (const { number, state } of trials.values()) {
        if (state === "completed") this.#fresh.push({ sweep: id, trial: number })
      }
    }
  }

  #lookAtFresh(): void {
    const { state } = this.#journal
    for (const ref of this.#fresh.splice(0)) {
      const sweep = state.sweeps.get(ref.sweep)
      const trial = sweep?.trials.get(ref.trial)
      if (sweep === undefined || trial?.state !== "completed") continue
      if (trial.objective === null || trial.reusedFrom !== null || trial.lineage.length > 0) continue
      const key = runKey(sweep, trial)
      // The first stands: every later one repeats it.
      if (key !== undefined && !this.#byKey.has(key)) this.#byKey.set(key, ref)
    }
  }

  /** The completed trial of another sweep that was the same run as this one would be. */
  find(sweep: SweepState, trial: Pick<Trial, "parameters" | "seed">): Trial | undefined {
    const key = runKey(sweep, trial)
    if (key === undefined) return undefined
    this.#lookAtFresh()
    const ref = this.#byKey.get(key)
    return ref === undefined || ref.sweep === sweep.id ? undefined : this.#journal.state.trial(ref.sweep, ref.trial)
  }
}

/** What follows when `from` stands for the trial. */
export const reuse = (at: number, sweep: SweepId, trial: TrialNumber, from: Trial): ReadonlyArray<Fact> => {
  const values = Object.entries(from.values).map(([name, value]) => [name, Number.isFinite(value) ? value : null])
  const of = { at, sweep, trial }
  return [
    {
      _tag: "TrialReused",
      ...of,
      from: { sweep: from.sweep, trial: from.number },
      objective: from.objective!,
      values: Object.fromEntries(values),
    },
    ...(from.verdict === null ? [] : [{ _tag: "VerdictReached" as const, ...of, verdict: from.verdict }]),
  ]
}
