// The answer of a sweep in lines for a terminal. Owns the words; every number is `answerOf`'s, so that the report says the
// same.
import type { Answer } from "@sweep/diagnosis/answer"
import { outcomeText } from "@sweep/domain/OutcomeConstraint"
import { number, parameters as parametersText, plural } from "../terminal/format.ts"

/** Never 0 or 100 %. */
const probability = (value: number): string =>
  value > 0.99 ? "> 99 %" : value < 0.01 ? "< 1 %" : `${Math.round(100 * value)} %`

/** Two significant digits, without a sign: which way it goes stands in words beside it. */
const size = (value: number): string => number(Number(Math.abs(value).toPrecision(2)))

const trialNames = (trials: ReadonlyArray<number>): string => trials.map((trial) => `#${trial}`).join(" ")

/** What to run next, where that is not simply what ran. */
export const nextLines = ({ next, best }: Answer): ReadonlyArray<string> => {
  const { shorter, checkpoint, kept } = next
  return [
    ...(shorter === null
      ? []
      : [
          `next run: ${shorter.parameter}: ${number(shorter.to)} instead of ${number(shorter.from)} (${shorter.because === "overfitting" ? "beyond that it overfits" : "beyond that it gains nothing"})`,
        ]),
    ...(checkpoint === null
      ? []
      : [`checkpoint: the value is that of step ${number(checkpoint)}${kept ? ", which is kept" : ""}`]),
    ...(best.failed === 0 ? [] : [`${plural(best.failed, "run")} of the same parameters failed`]),
  ]
}

const levels = { clear: "a clear answer", likely: "likely, not certain", open: "an open race" } as const

const noises = {
  runs: "as runs of the same parameters show",
  neighbours: "judged by trials with similar parameters, as nothing ran twice",
  assumed: "an assumption, as nothing ran twice and there are few trials",
} as const

export const certaintyLines = ({ certainty, runnerUp, more }: Answer): ReadonlyArray<string> => {
  if (certainty === null || runnerUp === null) return []
  const { chance, level, noise, noiseFrom, rivals } = certainty
  const lead = runnerUp.behind === 0 ? "level with the runner-up" : `${size(runnerUp.behind)} better than the runner-up`
  return [
    `how sure: the best of all with a probability of ${probability(chance)} (${levels[level]}); ${lead}`,
    `noise: runs of the same parameters differ by about ${size(noise[1])} (${noises[noiseFrom]})`,
    ...(level === "clear" || rivals.length === 0 || more === null
      ? []
      : [`within reach: ${trialNames(rivals)}; running them and the best again would gain ${size(more.repeating)}`]),
    ...(more?.hour == null || more.hour.gain === 0
      ? []
      : [`one more hour (${plural(more.hour.trials, "trial")}) would gain about ${size(more.hour.gain)}`]),
  ]
}

/** What of the constraints on outcomes has to be said: how many keep them, and whether the best does. */
export const constraintLines = ({ best, constraints }: Answer): ReadonlyArray<string> =>
  constraints.length === 0
    ? []
    : [
        ...(best.feasible
          ? []
          : ["no configuration keeps every constraint on outcomes; this one comes nearest, and is no answer yet"]),
        ...constraints.map(
          ({ constraint, kept, broken, unknown, value }) =>
            `constraint: ${outcomeText(constraint)} (here ${value === null ? "not reported" : number(value)}); ${plural(kept, "configuration")} ${kept === 1 ? "keeps" : "keep"} it, ${broken} ${broken === 1 ? "breaks" : "break"} it${unknown === 0 ? "" : `, ${unknown} never reported it`}`,
        ),
      ]

/** Members of a front that a terminal shows; JSON and `sweep trials --pareto` have all. */
const mostMembers = 8

/** The Pareto front of a sweep with several metrics; `names` are the parameters that vary. */
export const frontLines = ({ front }: Answer, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (front === null) return []
  const { metrics, members, compared, compromise, hypervolume, reference, growth } = front
  const shown = members.slice(0, mostMembers)
  const half = growth.findLast(({ trials }) => trials <= growth.at(-1)!.trials / 2)
  return [
    `Pareto front: ${members.length} of ${plural(compared, "configuration")}, which no other one beats in ${metrics.map(({ name }) => name).join(" and ")} alike`,
    ...shown.map(
      ({ trial, trials, values, parameters }) =>
        `  ${trialNames(trials)}  ${metrics.map(({ name }, k) => `${name} ${number(values[k]!)}`).join("  ")}  (${parametersText(names, parameters)})${trial === compromise && members.length > 2 ? "  nearest to the best of each" : ""}`,
    ),
    ...(members.length === shown.length
      ? []
      : [`  and ${members.length - shown.length} more (sweep trials --pareto shows all)`]),
    ...(hypervolume === null
      ? []
      : [
          `hypervolume: ${share(hypervolume)} of the box up to ${metrics.map(({ name }, k) => `${name} ${number(reference[k]!)}`).join(", ")}${half === undefined || members.length < 2 ? "" : `; ${share(half.hypervolume)} halfway`}`,
        ]),
  ]
}

const share = (value: number): string => `${Number((100 * value).toPrecision(3))} %`

/** Answers measured beside the metric that trials are ranked by, and whether they got worse. */
export const measureLines = ({ measures, answersWorse, metric }: Answer): ReadonlyArray<string> => [
  ...(answersWorse === null
    ? []
    : [
        answersWorse.loss === null
          ? `answers: ${answersWorse.metric} was best at step ${number(answersWorse.bestStep)}, ${number(answersWorse.best)}, and ended at ${number(answersWorse.level)}`
          : `answers: the loss gets better and the answers worse: since step ${number(answersWorse.bestStep)} ${answersWorse.metric} went from ${number(answersWorse.best)} to ${number(answersWorse.level)}, and the eval loss from ${number(answersWorse.loss[0])} to ${number(answersWorse.loss[1])}`,
      ]),
  ...measures.map(
    ({ name, value, better }) =>
      `${name}: ${value === null ? "not reported" : number(value)}${better === null ? (value === null ? "" : ", the best of all") : `; the best is #${better.trial} with ${number(better.value)}, which is behind by ${metric}`}`,
  ),
]
