// An answer as JSON for programs: the shape that `sweep best --json`, `sweep show --json`, the report's page data and the SQL
// view `answers` share. Documented in docs/cli.md.
import type { Answer } from "./answerOf.ts"

const interval = ([low, median, high]: readonly [number, number, number]) => ({ low, median, high })

export const answerJson = ({ best, next, runnerUp, certainty, more, cost, metric, goal }: Answer) => ({
  metric,
  goal,
  trial: best.trial,
  trials: best.trials,
  objective: best.value,
  deviation: best.deviation,
  failed_runs: best.failed,
  parameters: best.parameters,
  verdict: best.verdict,
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
  cost: { best_ms: cost.best, all_ms: cost.all, trials: cost.trials },
})
