// The trials of a sweep in the order of their objectives, each with what the report says of it, and the best set of
// parameters among them. Owns ranking, replicas, the spread and which parameters vary; no markup and no charts.
import { type Curve, type CurvePoint, evalLoss, trainLoss } from "@sweep/domain/Curve"
import { type Configuration as Ranked, configurationsOf, hasResult } from "@sweep/domain/configurations"
import { compare, type Goal, type Metric } from "@sweep/domain/Metric"
import type { AttemptRecord, SweepResults, TrialDetails } from "@sweep/domain/SweepResults"
import { isTerminal, ranFor, type Trial } from "@sweep/domain/Trial"
import { median, quantile } from "./quantile.ts"

export interface Standing {
  readonly trial: Trial
  /** From 1; `null` without a finite objective. */
  readonly rank: number | null
  readonly objective: number | null
  /** By metric name; only finite values. */
  readonly curves: ReadonlyMap<string, ReadonlyArray<CurvePoint>>
  readonly bestEval: CurvePoint | null
  readonly lastEval: CurvePoint | null
  readonly lastTrain: CurvePoint | null
  readonly details: TrialDetails | null
  readonly attempts: ReadonlyArray<AttemptRecord>
  /** Milliseconds of all attempts; `null` before the first. */
  readonly duration: number | null
  readonly peakBytes: number | null
  readonly tokensPerSecond: number | null
}

/** One set of parameters with the standings of the trials that ran it (several with replicas), best objective first. */
export interface Configuration extends Ranked {
  readonly standings: ReadonlyArray<Standing>
}

export interface Standings {
  readonly metric: string
  readonly goal: Goal
  /** Whether a trial counts with its best or its last value. */
  readonly summary: Metric["summary"]
  /** Ranked first, then the others by number. */
  readonly all: ReadonlyArray<Standing>
  readonly ranked: ReadonlyArray<Standing>
  /** Best mean first. */
  readonly configurations: ReadonlyArray<Configuration>
  /** The best trial of the best configuration. */
  readonly best: Standing | null
  /** Names, in the order of the sweep file. */
  readonly varying: ReadonlyArray<string>
  /** The metric before the first step, the same for every trial; `null` when it was not measured. */
  readonly base: number | null
  /** The middle half of the objectives, best side first; `null` for fewer than four. */
  readonly middleHalf: readonly [number, number] | null
  /** Milliseconds of every attempt of every trial. */
  readonly duration: number
  /** Trials that have not ended. */
  readonly open: number
}

const finite = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isFinite(value) ? value : null

const groupBy = <A, K>(items: Iterable<A>, key: (item: A) => K): Map<K, Array<A>> => Map.groupBy(items, key)

const curvesByMetric = (curves: ReadonlyArray<Curve>): ReadonlyMap<string, ReadonlyArray<CurvePoint>> =>
  new Map(
    curves.map(({ metric, points }) => [
      metric,
      points.filter((point) => Number.isFinite(point.value) && Number.isFinite(point.step)),
    ]),
  )

const lastOf = (points: ReadonlyArray<CurvePoint> | undefined): CurvePoint | null => points?.at(-1) ?? null

const lowest = (points: ReadonlyArray<CurvePoint> | undefined): CurvePoint | null =>
  points?.reduce<CurvePoint | null>((a, b) => (a === null || b.value < a.value ? b : a), null) ?? null

/** Parameters with more than one value among the trials; one that some trials lack varies, too. */
const varyingOf = (results: SweepResults, trials: ReadonlyArray<Trial>): ReadonlyArray<string> => {
  const { space } = results.sweep.spec
  const order = [...space.dimensions, ...space.derived].map((dimension) => dimension.name)
  const names = new Set([...order, ...trials.flatMap((trial) => Object.keys(trial.parameters))])
  return [...names].filter((name) => new Set(trials.map((trial) => trial.parameters[name])).size > 1)
}

export const standingsOf = (results: SweepResults): Standings => {
  const { metric } = results.sweep.spec
  const trials = [...results.sweep.trials.values()]
  const curves = groupBy(results.curves, (curve) => curve.trial)
  const details = new Map(results.details.map((one) => [one.trial, one]))
  const attempts = groupBy(results.attempts, (one) => one.trial)
  const unranked = trials.map((trial): Standing => {
    const own = curvesByMetric(curves.get(trial.number) ?? [])
    const detail = details.get(trial.number) ?? null
    const tried = attempts.get(trial.number) ?? []
    return {
      trial,
      rank: null,
      objective: hasResult(trial) ? trial.objective : null,
      curves: own,
      bestEval: lowest(own.get(evalLoss)),
      lastEval: lastOf(own.get(evalLoss)),
      lastTrain: lastOf(own.get(trainLoss)),
      details: detail,
      attempts: tried,
      duration:
        trial.reusedFrom !== null || (trial.startedAt === null && trial.busyMs === 0)
          ? null
          : ranFor(trial, results.at),
      // A trainer on the CPU reports no device memory, as null or as 0.
      peakBytes: finite(detail?.memory?.peak_device_bytes || detail?.memory?.peak_host_bytes),
      tokensPerSecond: finite(trial.values["train/tokens_per_second"]) ?? medianOf(own.get("train/tokens_per_second")),
    }
  })
  const better = compare(metric.goal)
  const sets = configurationsOf(trials, results.sweep.spec)
  const violations = new Map(
    sets.flatMap(({ trials: own, violation }) => own.map(({ number }) => [number, violation] as const)),
  )
  // What breaks limits on outcomes ranks behind what keeps them, as in the answer.
  const byViolation = (a: Standing, b: Standing): number => {
    const [x, y] = [violations.get(a.trial.number) ?? 0, violations.get(b.trial.number) ?? 0]
    return x === y ? 0 : x < y ? -1 : 1
  }
  const ranked = unranked
    .filter((standing) => standing.objective !== null)
    .toSorted((a, b) => byViolation(a, b) || better(a.objective!, b.objective!) || a.trial.number - b.trial.number)
    .map((standing, index): Standing => ({ ...standing, rank: index + 1 }))
  const standingOf = new Map(ranked.map((standing) => [standing.trial.number, standing]))
  const configurations = sets.map((configuration): Configuration => ({
    ...configuration,
    standings: configuration.trials.map(({ number }) => standingOf.get(number)!),
  }))
  const starts = unranked.flatMap((one) => {
    const first = one.curves.get(metric.name)?.[0]
    return first?.step === 0 ? [first.value] : []
  })
  const objectives = ranked.map((standing) => standing.objective!)
  const quarters = [quantile(objectives, 0.25), quantile(objectives, 0.75)] as const
  return {
    metric: metric.name,
    goal: metric.goal,
    summary: metric.summary,
    all: [...ranked, ...unranked.filter((standing) => standing.objective === null)],
    ranked,
    configurations,
    best: configurations[0]?.standings[0] ?? null,
    varying: varyingOf(results, trials),
    base: median(starts),
    middleHalf:
      objectives.length < 4 || quarters[0] === null || quarters[1] === null
        ? null
        : metric.goal === "minimize"
          ? [quarters[0], quarters[1]]
          : [quarters[1], quarters[0]],
    duration: unranked.reduce((sum, standing) => sum + (standing.duration ?? 0), 0),
    open: trials.filter((trial) => !isTerminal(trial.state)).length,
  }
}

const medianOf = (points: ReadonlyArray<CurvePoint> | undefined): number | null =>
  points === undefined ? null : median(points.map((point) => point.value))
