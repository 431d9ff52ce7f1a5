// What a person changes of a sweep that is under way or over: more trials, another space, one trial once more with changes.
// Owns what may change (results of before and after have to be comparable) and that a sweep which has ended continues.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { canonicalJson } from "@sweep/domain/canonicalJson"
import type { Fact } from "@sweep/domain/Fact"
import { formatTrialRef, TrialNumber } from "@sweep/domain/Id"
import { nearestName } from "@sweep/domain/nearestName"
import type { Origin } from "@sweep/domain/Origin"
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import { parameterNames } from "@sweep/domain/TrainingConfig"
import { Refused } from "@sweep/protocol/SweepApi"
import { amend } from "@sweep/search/amend"
import { compileSpace } from "@sweep/search/Space"
import type { StoreError } from "@sweep/store/Store"
import { ask, type CurvesOf, Samplers } from "../scheduling/ask.ts"
import type { Journal } from "../state/Journal.ts"
import { placeOf, seedOf } from "../state/replicas.ts"
import { checkSpec } from "./submit.ts"
import { learn } from "../scheduling/warmStart.ts"
import { trainingOf } from "../scheduling/trialDocument.ts"

export interface Revise {
  readonly extend: (sweep: SweepState, spec: SweepSpec, revision: number) => Effect.Effect<number, Refused | StoreError>
  readonly clone: (
    sweep: SweepState,
    trial: TrialNumber,
    changes: Parameters,
  ) => Effect.Effect<ReadonlyArray<TrialNumber>, Refused | StoreError>
}

const refuse = (message: string) => Effect.fail(new Refused({ message }))

/** What all results of a sweep have in common. */
const fixed: ReadonlyArray<readonly [name: string, of: (spec: SweepSpec) => unknown]> = [
  ["model", ({ model, modelFingerprint = null }) => ({ model, modelFingerprint })],
  ["data.train", ({ data }) => data.train.sha256],
  ["data.eval", ({ data }) => data.eval.sha256],
  ["trainer", ({ trainer }) => trainer],
  ["command", ({ command }) => command],
  ["metric", ({ metric: { name, goal, summary } }) => ({ name, goal, summary })],
  ["metrics", ({ metrics = [] }) => metrics.map(({ name, goal }) => ({ name, goal }))],
  ["task_metrics", ({ taskMetrics = null }) => taskMetrics],
  ["seed", ({ seed }) => seed],
  ["seeds", ({ replicas }) => replicas],
]

const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b)

/** Without where it came from, which says nothing of what it means. */
const meaning = (spec: SweepSpec): unknown => ({ ...spec, source: null, learned: null })

const isOver = ({ status }: SweepState): boolean => status === "stopped" || status === "finished"

export const makeRevise = (journal: Journal, curves: CurvesOf): Revise => {
  const { state } = journal

  const gone = ({ id }: SweepState): Refused | undefined =>
    state.removed.has(id) ? new Refused({ message: `${id} was removed meanwhile` }) : undefined

  const stale = (sweep: SweepState, revision: number): Refused | undefined =>
    gone(sweep) ??
    (sweep.revision === revision
      ? undefined
      : new Refused({
          message: `${sweep.id} was extended meanwhile (revision ${sweep.revision}); look at it and extend it again`,
        }))

  const extend = Effect.fnUntraced(function* (sweep: SweepState, given: SweepSpec, revision: number) {
    const { id } = sweep
    const named = new SweepSpec({ ...given, name: sweep.spec.name })
    const spec =
      same(named.warmStart, sweep.spec.warmStart) && same(named.space, sweep.spec.space)
        ? new SweepSpec({ ...named, ...(sweep.spec.learned === undefined ? {} : { learned: sweep.spec.learned }) })
        : yield* learn(state, named)
    const changed = fixed.filter(([, of]) => !same(of(sweep.spec), of(spec))).map(([name]) => name)
    if (changed.length > 0) {
      return yield* refuse(
        `${changed.join(", ")} of ${id} cannot change: its results would not be comparable any more; run the file as a sweep of its own`,
      )
    }
    yield* checkSpec(spec)
    if (same(meaning(spec), meaning(sweep.spec))) return yield* refuse(`this changes nothing of ${id}`)
    const next = revision + 1
    let refused = stale(sweep, revision)
    yield* journal.record((at) => {
      refused = stale(sweep, revision)
      if (refused !== undefined) return []
      if (isOver(sweep)) {
        const would = ask({ ...sweep, spec, revision: next, status: "running" }, state, new Samplers(), at, curves)
        if (would._tag === "None" || would._tag === "Broken") {
          refused = new Refused({ message: `with this ${id} has nothing more to run: ${reasonSentence(would.reason)}` })
          return []
        }
      }
      return [{ _tag: "SweepExtended", at, sweep: id, revision: next, spec }]
    })
    return refused === undefined ? next : yield* refused
  })

  /** What the trial's parameters become, or why they cannot. */
  const changedParameters = Effect.fnUntraced(function* (sweep: SweepState, from: Parameters, changes: Parameters) {
    const { spec } = sweep
    const known = new Set([
      ...[...spec.space.dimensions, ...spec.space.derived].map(({ name }) => name),
      ...Object.keys(from),
      ...(spec.trainer === "peft" ? parameterNames : []),
    ])
    for (const name of Object.keys(changes)) {
      if (known.has(name)) continue
      const near = nearestName(name, Array.from(known))
      return yield* refuse(
        `\`${name}\` is no parameter of ${sweep.id}${near === undefined ? `; there are ${Array.from(known).join(", ")}` : `; did you mean \`${near}\`?`}`,
      )
    }
    const amended = amend(compileSpace(spec.space), from, changes)
    if (Result.isFailure(amended)) return yield* refuse(amended.failure)
    const training = trainingOf(spec, amended.success)
    if (Result.isFailure(training)) {
      return yield* refuse(training.failure)
    }
    return amended.success
  })

  const clone = Effect.fnUntraced(function* (sweep: SweepState, number: TrialNumber, changes: Parameters) {
    const { id, spec } = sweep
    const { replicas } = spec
    const source = sweep.trials.get(number)!
    const parameters = yield* changedParameters(sweep, source.parameters, changes)
    const text = canonicalText(parameters)
    let refused: Refused | undefined
    const made: Array<TrialNumber> = []
    yield* journal.record((at) => {
      made.length = 0
      refused = gone(sweep)
      if (refused !== undefined) return []
      for (const trial of sweep.trials.values()) {
        if (canonicalText(trial.parameters) !== text) continue
        const same =
          trial.number === number ? "the trial itself has" : `${formatTrialRef({ sweep: id, trial: trial.number })} has`
        refused = new Refused({ message: `${same} these parameters already` })
        return []
      }
      const facts: Array<Fact> = []
      const revision = isOver(sweep) ? sweep.revision + 1 : sweep.revision
      // It has work again.
      if (isOver(sweep)) facts.push({ _tag: "SweepExtended", at, sweep: id, revision, spec })
      const create = (trial: TrialNumber, of: Parameters, origin: Origin) => {
        const seed = seedOf(spec.seed, placeOf(trial, replicas).replica)
        facts.push({ _tag: "TrialCreated", at, sweep: id, trial, parameters: of, seed, revision, origin })
      }
      let count = sweep.trials.size
      // A set that has only some of its replicas gets the others first: their numbers follow each other.
      while (count % replicas !== 0) {
        const trial = TrialNumber.make(++count)
        const first = TrialNumber.make(trial - placeOf(trial, replicas).replica)
        create(trial, sweep.trials.get(first)!.parameters, { _tag: "Replica", of: first })
      }
      const first = TrialNumber.make(count + 1)
      for (let replica = 0; replica < replicas; replica++) {
        const trial = TrialNumber.make(++count)
        create(trial, parameters, replica === 0 ? { _tag: "Clone", of: number } : { _tag: "Replica", of: first })
        made.push(trial)
      }
      return facts
    })
    return refused === undefined ? made : yield* refused
  })

  return { extend, clone }
}
