// An answer as JSON for programs: the shape that `sweep best --json`, `sweep show --json`, the report's page data and the SQL
// view `answers` share. Documented in docs/cli.md.
import { outcomeText } from "@sweep/domain/OutcomeConstraint"
import type { Answer } from "./answerOf.ts"
import type { Front } from "./front.ts"

const interval = ([low, median, high]: readonly [number, number, number]) => ({ low, median, high })

/** What the page and SQL draw a front from. */
export const frontJson = (front: Front) => ({
  metrics: front.metrics,
  members: front.members.map(({ trial, trials, parameters, values, verdict }) => ({
    trial,
    trials,
    parameters,
    values: Object.fromEntries(front.metrics.map(({ name }, k) => [name, values[k]!])),
    verdict,
  })),
  compared: front.compared,
  compromise: front.compromise,
  ideal: Object.fromEntries(front.metrics.map(({ name }, k) => [name, front.ideal[k]!])),
  reference: Object.fromEntries(front.metrics.map(({ name }, k) => [name, front.reference[k]!])),
  hypervolume: front.hypervolume,
  growth: front.growth,
})

export const answerJson = ({
  best,
  next,
  runnerUp,
  certainty,
  more,
  front,
  measures,
  answersWorse,
  constraints,
  cost,
  metric,
  goal,
}: Answer) => ({
  metric,
  goal,
  trial: best.trial,
  trials: best.trials,
  objective: best.value,
  deviation: best.deviation,
  failed_runs: best.failed,
  parameters: best.parameters,
  verdict: best.verdict,
  feasible: best.feasible,
  next: {
    parameters: next.parameters,
    shorter: next.shorter,
    checkpoint_step: next.checkpoint,
    checkpoint_kept: next.kept,
  },
  runner_up:
    runnerUp === null
      ? null
      : {
          trials: runnerUp.trials,
          objective: runnerUp.value,
          behind: runnerUp.behind,
          probability_best_is_better: runnerUp.chance,
          truly_behind: interval(runnerUp.truly),
        },
  certainty:
    certainty === null
      ? null
      : {
          level: certainty.level,
          probability_best_of_all: certainty.chance,
          expected: interval(certainty.expected),
          noise: { ...interval(certainty.noise), from: certainty.noiseFrom },
          rivals: certainty.rivals,
        },
  more:
    more === null
      ? null
      : {
          gain_by_repeating: more.repeating,
          next_hour: more.hour,
        },
  measures: measures.map(({ name, goal: way, value, better }) => ({ metric: name, goal: way, value, better })),
  answers_worse:
    answersWorse === null
      ? null
      : {
          metric: answersWorse.metric,
          best: answersWorse.best,
          best_step: answersWorse.bestStep,
          level: answersWorse.level,
          loss_then: answersWorse.loss?.[0] ?? null,
          loss_now: answersWorse.loss?.[1] ?? null,
        },
  pareto: front === null ? null : frontJson(front),
  constraints: constraints.map(({ constraint, kept, broken, unknown, value }) => ({
    constraint: outcomeText(constraint),
    kept,
    broken,
    unknown,
    value_of_best: value,
  })),
  cost: { best_ms: cost.best, all_ms: cost.all, trials: cost.trials },
})
