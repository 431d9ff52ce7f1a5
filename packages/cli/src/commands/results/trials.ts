import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { frontOf } from "@sweep/diagnosis/front"
import { formatTrialRef } from "@sweep/domain/Id"
import { compare } from "@sweep/domain/Metric"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { printJson, printTable } from "../../output.ts"
import { trialJson } from "../../results/summary.ts"
import { leaders } from "../../terminal/SweepView.ts"
import { duration, number, parameterValue, varying } from "../../terminal/format.ts"
import { stateWord, verdictWord } from "../../terminal/verdictStyle.ts"

const sort = Flag.Literals("sort", ["number", "objective"]).pipe(
  Flag.withDescription("By trial number, or the best first"),
  Flag.withDefault("number"),
)

const pareto = Flag.Boolean("pareto").pipe(
  Flag.withDescription("Only trials that no other one beats in every metric of the sweep"),
  Flag.withDefault(false),
)

/** The runs of the front; with one metric those of the best. */
const ofFront = (state: SweepState, all: ReadonlyArray<Trial>): ReadonlyArray<Trial> => {
  const several = (state.spec.metrics?.length ?? 1) > 1
  const numbers = new Set(
    several
      ? frontOf(state)?.members.flatMap(({ trials }) => trials)
      : leaders(state)[0]?.trials.map(({ number }) => number as number),
  )
  return all.filter(({ number }) => numbers.has(number))
}

export const trials = Command.make(
  "trials",
  { sweep: flags.sweep, sort, pareto, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, sort, pareto, coordinator, json }) =>
    Effect.gen(function* () {
      const state = yield* (yield* SweepApi).get(yield* flags.sweepRef(sweep))
      const better = compare(state.spec.metric.goal)
      const everyone = Array.from(state.trials.values())
      const all = pareto ? Array.from(ofFront(state, everyone)) : everyone
      const further = state.spec.metrics?.slice(1) ?? []
      if (sort === "objective") all.sort((a, b) => better(a.objective ?? Number.NaN, b.objective ?? Number.NaN))
      if (json) return yield* printJson(all.map(trialJson(state)))
      const names = varying(state)
      const isPopulation = all.some(({ lineage }) => lineage.length > 0)
      yield* printTable(
        [
          { title: "trial", align: "right" },
          { title: "state" },
          { title: state.spec.metric.name, align: "right" },
          ...further.map((metric) => ({ title: metric.name, align: "right" as const })),
          { title: "verdict" },
          { title: "took", align: "right" },
          ...names.map((title) => ({ title, align: "right" as const })),
          ...(isPopulation ? [{ title: "resumed from" }] : []),
        ],
        all.map((trial) => [
          `#${trial.number}`,
          trial.reusedFrom === null ? stateWord(trial.state) : `${formatTrialRef(trial.reusedFrom)} (reused)`,
          trial.objective === null ? "–" : number(trial.objective),
          ...further.map(({ name }) => (name in trial.values ? number(trial.values[name]!) : "–")),
          verdictWord(trial.verdict),
          trial.endedAt === null || trial.busyMs === 0 ? "" : duration(trial.busyMs),
          ...names.map((name) => (name in trial.parameters ? parameterValue(trial.parameters[name]!) : "")),
          ...(isPopulation
            ? [trial.lineage.map(({ trial: from, step }) => `#${from} at step ${step}`).join(", ")]
            : []),
        ]),
      )
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("List the trials of a sweep"),
  Command.withExamples([
    { command: "sweep trials quickstart --sort objective", description: "The best trial first" },
    { command: "sweep trials quickstart --json", description: "Everything about each trial, for a program" },
  ]),
)
