// What a sweep learns from earlier ones. Owns which sweeps may teach it (their results mean the same) and which of their
// results do: those that lie in its space. They are kept in the spec, so that what an earlier sweep does afterwards
// changes no suggestion, and a restart gives the same ones.
import * as Effect from "effect/Effect"
import { canonicalJson } from "@sweep/domain/canonicalJson"
import { nearestName } from "@sweep/domain/nearestName"
import { type Learned, SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import { Refused } from "@sweep/protocol/SweepApi"
import type { Observation } from "@sweep/search/History"
import { within } from "@sweep/search/within"
import { firstOf } from "../state/replicas.ts"
import type { State } from "../state/State.ts"

/** Of one sweep; more no sampler needs. The newest are taken. */
const mostResults = 2_000

const refuse = (message: string) => Effect.fail(new Refused({ message }))

/** In what results of the two would not mean the same. */
const differences = (spec: SweepSpec, teacher: SweepSpec): ReadonlyArray<string> => {
  const { metric } = spec
  const other = teacher.metric
  return [
    ...(metric.name === other.name && metric.goal === other.goal
      ? []
      : [`its metric is ${other.name}, ${other.goal}d, and here it is ${metric.name}, ${metric.goal}d`]),
    ...(spec.model === teacher.model ? [] : [`its model is ${teacher.model || "none"}`]),
    ...(canonicalJson(spec.taskMetrics ?? null) === canonicalJson(teacher.taskMetrics ?? null)
      ? []
      : ["its task_metrics differ"]),
    ...(spec.data.eval.sha256 === teacher.data.eval.sha256 ? [] : ["it was evaluated on other data"]),
  ]
}

const learnedFrom = ({ id, spec, trials }: SweepState, sets: ReadonlyArray<Observation>): ReadonlyArray<Learned> =>
  sets.flatMap(({ number, parameters, outcome, objective, values }) =>
    // What resumed from another trial's checkpoint says nothing of its own parameters alone.
    outcome === "open" || outcome === "cancelled" || trials.get(firstOf(number, spec.replicas))!.lineage.length > 0
      ? []
      : [
          {
            sweep: id,
            trial: firstOf(number, spec.replicas),
            parameters,
            outcome,
            objective: objective !== null && Number.isFinite(objective) ? objective : null,
            values: Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value))),
          },
        ],
  )

/** The spec with what it learns from the sweeps it names. */
export const learn = (state: State, given: SweepSpec): Effect.Effect<SweepSpec, Refused> =>
  Effect.gen(function* () {
    const { learned: _, ...spec } = given
    const names = spec.warmStart ?? []
    if (names.length === 0) return new SweepSpec(spec)
    const inSpace = within(spec.space)
    const learned: Array<Learned> = []
    for (const name of new Set(names)) {
      const teacher = state.sweeps.get(name)
      if (teacher === undefined) {
        const near = nearestName(name, Array.from(state.sweeps.keys()))
        return yield* refuse(
          `warm_start: there is no sweep named ${name}${near === undefined ? "; `sweep ls` lists them" : `; did you mean ${near}?`}`,
        )
      }
      const differing = differences(given, teacher.spec)
      if (differing.length > 0) {
        return yield* refuse(`warm_start: the results of ${name} cannot be compared: ${differing.join("; ")}`)
      }
      const results = learnedFrom(teacher, inSpace(state.sets(name)))
      if (results.length === 0) {
        return yield* refuse(
          `warm_start: none of the ${state.sets(name).length} sets of parameters that ${name} has tried has a result and lies in this sweep's space`,
        )
      }
      learned.push(...results.slice(-mostResults))
    }
    return new SweepSpec({ ...spec, learned })
  })

/** As observations before the sweep's own, whose numbers count from 1. */
export const learnedHistory = ({ learned = [] }: SweepSpec): ReadonlyArray<Observation> =>
  learned.map(({ parameters, outcome, objective, values }, i) => ({
    number: i + 1 - learned.length,
    parameters,
    outcome,
    objective,
    values,
  }))
