// The answer of a sweep: what to run next, how sure it is that nothing else is better, and what more time would buy.
// Owns every number that a terminal, a report, JSON or SQL says of the best configuration: they render this value and work
// out nothing themselves. Codes and arguments only; the words are where they are shown.
import { type Configuration, configurationsOf, isUnreliable, meanOf } from "@sweep/domain/configurations"
import { hoursUsed } from "@sweep/domain/budgetUse"
import { type Measure, measuresOf } from "@sweep/domain/measures"
import { compare, type Goal, isBetter } from "@sweep/domain/Metric"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepState } from "@sweep/domain/SweepState"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import { isTerminal, ranFor, type Trial } from "@sweep/domain/Trial"
import type { VerdictKind } from "@sweep/domain/Verdict"
import { excessOf, type OutcomeConstraint } from "@sweep/domain/OutcomeConstraint"
import type { Reason } from "@sweep/domain/Reason"
import { coordinatesOf } from "./coordinates.ts"
import { type Front, frontOf } from "./front.ts"
import { moreTrials } from "./moreTrials.ts"
import { type Posterior, posteriorOf } from "./posterior.ts"
import type { Run } from "./runs.ts"

/** What to run next: the best parameters, with as much training as helped. */
export interface NextRun {
  readonly parameters: Parameters
  /** Which parameter limits the training and what it becomes; `null` where the trained length is right. */
  readonly shorter: {
    readonly parameter: "epochs" | "max_steps"
    readonly from: number
    readonly to: number
    readonly because: "overfitting" | "plateaued"
  } | null
  /** Optimiser step of the weights that the result belongs to, where it is known not to be the last one. */
  readonly checkpoint: number | null
  /** Whether these weights are among the files that the sweep keeps. */
  readonly kept: boolean
}

export interface RunnerUp {
  readonly trials: ReadonlyArray<number>
  readonly value: number
  /** How much worse than the best, in the metric's unit; never negative, whatever the goal. */
  readonly behind: number
  /** The same as a share of the best's value; `null` where that is 0. */
  readonly behindShare: number | null
  /** Probability that the best is truly better than this one. */
  readonly chance: number
  /** How much worse it truly is: lower end, median and upper end of the 80 % interval; negative: it is the better one. */
  readonly truly: readonly [low: number, median: number, high: number]
}

export interface Certainty {
  readonly level: "clear" | "likely" | "open"
  /** Probability that no other configuration that ran is truly better. */
  readonly chance: number
  /** The true value of the best: lower end, median and upper end of the 80 % interval, in the metric's unit. */
  readonly expected: readonly [low: number, median: number, high: number]
  /** Standard deviation between runs of the same parameters: lower end, median and upper end of the 80 % interval. */
  readonly noise: readonly [low: number, median: number, high: number]
  /** From runs of the same parameters, from how much neighbours differ, or assumed where there are too few of both. */
  readonly noiseFrom: Posterior["noiseFrom"]
  /** Trials whose configurations are within reach of being the best one, likeliest first: what to run again. */
  readonly rivals: ReadonlyArray<number>
}

/** A constraint on outcomes, and how the configurations with a result stand to it. */
export interface ConstraintKept {
  readonly constraint: OutcomeConstraint
  readonly kept: number
  readonly broken: number
  /** Configurations that never reported its metric; they count as breaking it. */
  readonly unknown: number
  /** Of the best configuration; `null` where it is not known. */
  readonly value: number | null
}

/** Answers measured beside what trials are ranked by. */
export interface MeasureFound extends Measure {
  /** Of the best configuration, the mean over its runs; `null` where none reported it. */
  readonly value: number | null
  /** The configuration that is best by this measure, where that is another one; only what keeps the constraints. */
  readonly better: { readonly trial: number; readonly value: number } | null
}

/** The best trial's answers got worse, as its verdict has it. */
export interface AnswersWorse {
  readonly metric: string
  readonly best: number
  readonly bestStep: number
  readonly level: number
  /** The eval loss at that step and at the end, where it fell meanwhile: the loss gets better and the answers worse. */
  readonly loss: readonly [then: number, now: number] | null
}

export interface Answer {
  readonly metric: string
  readonly goal: Goal
  readonly best: {
    readonly trial: number
    readonly trials: ReadonlyArray<number>
    readonly parameters: Parameters
    /** Mean of its runs. */
    readonly value: number
    readonly deviation: number | null
    readonly failed: number
    readonly seed: number
    readonly verdict: VerdictKind | null
    readonly state: Trial["state"]
    readonly stopReason: Reason | null
    /** Whether it keeps the constraints on outcomes; if not, none does, and it is the nearest to keeping them. */
    readonly feasible: boolean
  }
  readonly next: NextRun
  /** The next best that keeps the constraints; `null` where there is none, or not even the best keeps them. */
  readonly runnerUp: RunnerUp | null
  /** `null` without a runner-up: there is nothing to compare it with. */
  readonly certainty: Certainty | null
  /** What more time would buy, in the metric's unit; `null` where it cannot be said. */
  readonly more: {
    /** Expected gain from knowing the best of those tried, which is what more seeds of the best few are for. */
    readonly repeating: number
    /** Trials that an hour held so far, and the expected gain from as many more. */
    readonly hour: { readonly trials: number; readonly gain: number } | null
  } | null
  /** Task metrics and further objectives beside the metric that trials are ranked by. */
  readonly measures: ReadonlyArray<MeasureFound>
  readonly answersWorse: AnswersWorse | null
  /** The Pareto front of a sweep with several metrics; `null` with one. */
  readonly front: Front | null
  readonly constraints: ReadonlyArray<ConstraintKept>
  readonly cost: {
    /** Milliseconds of the best trial's attempts, and of all trials'. */
    readonly best: number
    readonly all: number
    readonly trials: number
  }
}

/** A probability from which the lead counts as clear, and as likely. */
const clear = 0.95
const likely = 0.8
/** Rivals below this share of the best one's chance are out of reach. */
const within = 0.1
const mostRivals = 4

/** The parameters whose defaults the trainer is known to fill in. */
const numberOf = (sweep: SweepState, parameters: Parameters, name: "epochs" | "max_steps"): number | null => {
  const value = parameters[name] ?? (sweep.spec.trainer === "peft" ? parameterDefaults[name] : null)
  return typeof value === "number" ? value : null
}

/** The argument of an advice of the verdict, so that the answer and the diagnosis say the same number. */
const advised = ({ verdict }: Trial, name: "epochs" | "step"): number | null => {
  for (const one of verdict?.advice ?? []) {
    const value = typeof one === "string" || one.code === "stop-at-step" ? undefined : one.args[name]
    if (typeof value === "number") return value
  }
  return null
}

/**
 * The training that helped, as a value of the parameter that limits it: whole epochs, never fewer than one. `null` where
 * it is no shorter than what was run.
 */
const shorterOf = (sweep: SweepState, trial: Trial): NextRun["shorter"] => {
  const { parameters, verdict, lastStep } = trial
  if (verdict === null || verdict.sinceStep === null || lastStep === null || !(verdict.sinceStep < lastStep))
    return null
  const { kind, sinceStep } = verdict
  if (kind !== "overfitting" && kind !== "plateaued") return null
  const steps = numberOf(sweep, parameters, "max_steps")
  if (steps !== null) {
    const to = Math.max(1, Math.ceil(sinceStep))
    return to < steps ? { parameter: "max_steps", from: steps, to, because: kind } : null
  }
  const epochs = numberOf(sweep, parameters, "epochs")
  if (epochs === null) return null
  const to = advised(trial, "epochs") ?? Math.max(1, Math.ceil((epochs * sinceStep) / lastStep))
  return to < epochs ? { parameter: "epochs", from: epochs, to, because: kind } : null
}

const answersWorse = ({ verdict }: Trial): AnswersWorse | null => {
  const found = verdict?.evidence.find(
    ({ criterion, holds }) => holds && (criterion === "metric-worse" || criterion === "loss-better-answers-worse"),
  )
  const { metric, best, bestStep, level, lossThen, lossNow } = found?.args ?? {}
  return typeof metric === "string" &&
    typeof best === "number" &&
    typeof bestStep === "number" &&
    typeof level === "number"
    ? {
        metric,
        best,
        bestStep,
        level,
        loss: typeof lossThen === "number" && typeof lossNow === "number" ? [lossThen, lossNow] : null,
      }
    : null
}

const nextRun = (sweep: SweepState, trial: Trial): NextRun => {
  const { artifacts = "best", metric } = sweep.spec
  const shorter = shorterOf(sweep, trial)
  const worse = answersWorse(trial)
  const earlier =
    metric.summary === "best" &&
    trial.verdict !== null &&
    // Of other weights than those with the best answers.
    (worse === null || worse.metric === metric.name) &&
    (trial.verdict.kind === "overfitting" || trial.verdict.kind === "plateaued")
  return {
    parameters: shorter === null ? trial.parameters : { ...trial.parameters, [shorter.parameter]: shorter.to },
    shorter,
    checkpoint: earlier ? (advised(trial, "step") ?? trial.verdict.sinceStep) : null,
    kept: sweep.spec.trainer !== "external" && artifacts !== "none" && trial.reusedFrom === null,
  }
}

const numbersOf = ({ trials }: Pick<Configuration, "trials">): ReadonlyArray<number> =>
  trials.map(({ number }) => number).toSorted((a, b) => a - b)

const measuresFound = ({ spec }: SweepState, all: ReadonlyArray<Configuration>): ReadonlyArray<MeasureFound> =>
  measuresOf(spec).map((measure) => {
    const { name, goal } = measure
    const valued = all
      .filter((one) => one === all[0] || (one.violation === 0 && !isUnreliable(one)))
      .flatMap(({ trials }) => {
        const value = meanOf(trials, name, spec.metric)
        return value === null || !Number.isFinite(value) ? [] : [{ trial: trials[0].number as number, value }]
      })
    const own = valued.find(({ trial }) => trial === all[0]?.trials[0].number)
    const top = valued.toSorted((a, b) => compare(goal)(a.value, b.value))[0]
    return {
      ...measure,
      value: own?.value ?? null,
      better: top === undefined || (own !== undefined && !isBetter(goal, top.value, own.value)) ? null : top,
    }
  })

const constraintsKept = (
  { spec: { metric, outcomes = [] } }: SweepState,
  all: ReadonlyArray<Configuration>,
): ReadonlyArray<ConstraintKept> =>
  outcomes.map((constraint) => {
    const excesses = all.map(({ trials }) => excessOf(constraint, (name) => meanOf(trials, name, metric)))
    return {
      constraint,
      kept: excesses.filter((excess) => excess === 0).length,
      broken: excesses.filter((excess) => excess > 0 && excess < Infinity).length,
      unknown: excesses.filter((excess) => excess === Infinity).length,
      value: all[0] === undefined ? null : meanOf(all[0].trials, constraint.metric, metric),
    }
  })

/** `null` while no trial has a result. `now`, in milliseconds since the Unix epoch, is for what still runs. */
export const answerOf = (sweep: SweepState, now: number): Answer | null => {
  const { metric } = sweep.spec
  const { goal } = metric
  const sign = goal === "minimize" ? 1 : -1
  const all = configurationsOf(sweep.trials.values(), sweep.spec)
  const best = all[0]
  // What breaks a constraint on outcomes is no rival, and without one that keeps them there is nothing to be sure of.
  const feasible = all.filter(({ violation }) => violation === 0)
  const next = best?.violation === 0 ? all.slice(1).find(({ violation }) => violation === 0) : undefined
  if (best === undefined) return null
  const trial = best.trials[0]
  const everyone = Array.from(sweep.trials.values())
  const answer = {
    metric: metric.name,
    goal,
    best: {
      trial: trial.number,
      trials: numbersOf(best),
      parameters: best.parameters,
      value: best.mean,
      deviation: best.deviation,
      failed: best.failed,
      seed: trial.seed,
      verdict: trial.verdict?.kind ?? null,
      state: trial.state,
      stopReason: trial.stopReason,
      feasible: best.violation === 0,
    },
    next: nextRun(sweep, trial),
    measures: measuresFound(sweep, all),
    answersWorse: answersWorse(trial),
    front: frontOf(sweep),
    constraints: constraintsKept(sweep, all),
    cost: {
      best: ranFor(trial, now),
      all: everyone.reduce((sum, one) => sum + ranFor(one, now), 0),
      trials: everyone.length,
    },
  }
  // A set of parameters whose runs mostly fail is no rival, whatever the one that did not fail shows.
  const reliable = feasible.filter((one) => one === best || one === next || !isUnreliable(one))
  if (next === undefined) return { ...answer, runnerUp: null, certainty: null, more: null }
  const posterior = posteriorOf(
    reliable.map(({ trials }): ReadonlyArray<Run> =>
      trials.map((one) => ({ loss: sign * one.objective!, seed: one.seed })),
    ),
    coordinatesOf(reliable.map(({ parameters }) => parameters)),
  )
  const inUnit = ([low, median, high]: readonly [number, number, number]): readonly [number, number, number] =>
    sign === 1 ? [low, median, high] : [-high, -median, -low]
  const chance = posterior.chances[0]!
  const hours = hoursUsed(sweep, now)
  const ended = everyone.filter(({ state }) => isTerminal(state)).length
  const perHour = hours > 0 ? Math.floor(ended / hours) : 0
  const results = reliable.map(({ mean }) => sign * mean)
  const gain = perHour > 0 ? moreTrials(results, perHour / sweep.spec.replicas) : null
  return {
    ...answer,
    runnerUp: {
      trials: numbersOf(next),
      value: next.mean,
      behind: Math.abs(next.mean - best.mean),
      behindShare: best.mean === 0 ? null : Math.abs((next.mean - best.mean) / best.mean),
      chance: posterior.ahead[1]!,
      truly: posterior.lead,
    },
    certainty: {
      // An assumption about the noise settles nothing.
      level: posterior.noiseFrom === "assumed" || chance < likely ? "open" : chance < clear ? "likely" : "clear",
      chance,
      expected: inUnit(posterior.expected),
      noise: posterior.noise,
      noiseFrom: posterior.noiseFrom,
      rivals: Array.from(posterior.chances.keys())
        .slice(1)
        .filter((i) => posterior.chances[i]! >= within * Math.max(chance, 0.1))
        .sort((a, b) => posterior.chances[b]! - posterior.chances[a]!)
        .slice(0, mostRivals)
        .map((i) => reliable[i]!.trials[0].number),
    },
    more: { repeating: posterior.regret, hour: gain === null ? null : { trials: perHour, gain } },
  }
}
