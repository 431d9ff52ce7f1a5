// The Pareto front of a sweep with several metrics: the configurations that keep the constraints on outcomes and that no other
// one beats in every metric, how much of the space of results they dominate, and how that grew. Owns these numbers for every
// place that shows them. What is compared is the mean over the runs of a configuration: of the first metric what trials are
// ranked by, of the others the last value.
import { type Configuration, configurationsOf, isUnreliable, meanOf } from "@sweep/domain/configurations"
import type { Goal } from "@sweep/domain/Metric"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepState } from "@sweep/domain/SweepState"
import type { VerdictKind } from "@sweep/domain/Verdict"
import { hypervolumeOf } from "@sweep/search/Hypervolume"
import { dominates, type Losses } from "@sweep/search/Pareto"

export interface FrontMember {
  /** Its best trial by the first metric. */
  readonly trial: number
  readonly trials: ReadonlyArray<number>
  readonly parameters: Parameters
  /** By metric, in the order of the metrics; means over its runs. */
  readonly values: ReadonlyArray<number>
  readonly verdict: VerdictKind | null
}

export interface Front {
  readonly metrics: ReadonlyArray<{ readonly name: string; readonly goal: Goal }>
  /** The best by the first metric first. */
  readonly members: ReadonlyArray<FrontMember>
  /** Configurations with a value of every metric that keep the constraints, those of the front included. */
  readonly compared: number
  /** The member nearest to the best of every metric, on the scale from a metric's best on the front to its worst there. */
  readonly compromise: number
  /** By metric: the best on the front, and the point up to which the hypervolume is measured. */
  readonly ideal: ReadonlyArray<number>
  readonly reference: ReadonlyArray<number>
  /** Share of the box between the two that the front dominates; `null` where it would take too long to work out. */
  readonly hypervolume: number | null
  /** The same after so many ended trials, at each that made it grow; the last one is now. */
  readonly growth: ReadonlyArray<{ readonly trials: number; readonly hypervolume: number }>
}

interface Point {
  readonly configuration: Configuration
  readonly losses: Losses
}

/** The reference point lies so much beyond the worst of the front, as a share of its range: its ends count, too. Ours. */
const beyond = 0.1
/** Larger fronts of three and more metrics have no hypervolume here: what it takes grows with the power of their number. */
const mostMembers = { 3: 200, 4: 40 } as const
/** Points of the growth that are worked out with three and more metrics. */
const mostMoments = 24

/** The front with one more point; the same when that changes nothing. */
const withPoint = (front: ReadonlyArray<Point>, point: Point): ReadonlyArray<Point> =>
  front.some(({ losses }) => dominates(losses, point.losses))
    ? front
    : [...front.filter(({ losses }) => !dominates(point.losses, losses)), point]

const endOf = ({ trials }: Configuration): number =>
  trials.reduce((last, { endedAt }) => Math.max(last, endedAt ?? 0), 0)

const spans = (points: ReadonlyArray<Losses>): ReadonlyArray<readonly [low: number, high: number]> =>
  Array.from({ length: points[0]!.length }, (_, k) => {
    const values = points.map((losses) => losses[k]!)
    return [Math.min(...values), Math.max(...values)] as const
  })

/** `null` for a sweep with one metric, and while no configuration can be compared. */
export const frontOf = (sweep: SweepState): Front | null => {
  const { metrics = [], metric } = sweep.spec
  if (metrics.length < 2) return null
  const signs = metrics.map(({ goal }) => (goal === "minimize" ? 1 : -1))
  const points = configurationsOf(sweep.trials.values(), sweep.spec).flatMap((configuration): ReadonlyArray<Point> => {
    if (configuration.violation > 0 || isUnreliable(configuration)) return []
    const values = metrics.map(({ name }) => meanOf(configuration.trials, name, metric))
    return values.every((value) => value !== null && Number.isFinite(value))
      ? [{ configuration, losses: values.map((value, k) => signs[k]! * value!) }]
      : []
  })
  if (points.length === 0) return null
  // In the order in which they were known, so that the front grows as the sweep went.
  const order = points.toSorted((a, b) => endOf(a.configuration) - endOf(b.configuration))
  let front: ReadonlyArray<Point> = []
  let runs = 0
  const moments: Array<{ readonly trials: number; readonly front: ReadonlyArray<Point> }> = []
  for (const point of order) {
    runs += point.configuration.trials.length
    const next = withPoint(front, point)
    if (next !== front) moments.push({ trials: runs, front: next })
    front = next
  }
  const ends = spans(front.map(({ losses }) => losses))
  // A front of one point has no range; that of all results stands in, so that there is a box at all.
  const all = spans(points.map(({ losses }) => losses))
  const ranges = ends.map(([low, high], k) => high - low || all[k]![1] - low || Math.abs(low) || 1)
  const reference = ends.map(([, high], k) => high + beyond * ranges[k]!)
  const box = ends.reduce((product, [low], k) => product * (reference[k]! - low), 1)
  const limit =
    metrics.length === 2 ? Infinity : metrics.length === 3 ? mostMembers[3] : metrics.length === 4 ? mostMembers[4] : 0
  const share = (of: ReadonlyArray<Point>): number =>
    hypervolumeOf(
      of.map(({ losses }) => losses),
      reference,
    ) / box
  const isSmall = front.length <= limit
  const stride = metrics.length === 2 ? 1 : Math.max(1, Math.ceil(moments.length / mostMoments))
  const growth = !isSmall
    ? []
    : moments
        .filter((moment, i) => (i % stride === 0 || i === moments.length - 1) && moment.front.length <= limit)
        .map((moment) => ({ trials: moment.trials, hypervolume: share(moment.front) }))
        // What lay beyond the reference point did not make it grow.
        .filter(({ hypervolume }, i, among) => hypervolume > (among[i - 1]?.hypervolume ?? 0))
  const distance = ({ losses }: Point): number =>
    losses.reduce((sum, loss, k) => sum + ((loss - ends[k]![0]) / ranges[k]!) ** 2, 0)
  const members = front.toSorted((a, b) => a.losses[0]! - b.losses[0]! || a.losses[1]! - b.losses[1]!)
  const compromise = members.reduce((best, member) => (distance(member) < distance(best) ? member : best))
  const inUnit = (losses: ReadonlyArray<number>) => losses.map((loss, k) => (signs[k] === 1 ? loss : -loss))
  return {
    metrics: metrics.map(({ name, goal }) => ({ name, goal })),
    members: members.map(({ configuration, losses }) => ({
      trial: configuration.trials[0].number,
      trials: configuration.trials.map(({ number }) => number as number).sort((a, b) => a - b),
      parameters: configuration.parameters,
      values: inUnit(losses),
      verdict: configuration.trials[0].verdict?.kind ?? null,
    })),
    compared: points.length,
    compromise: compromise.configuration.trials[0].number,
    ideal: inUnit(ends.map(([low]) => low)),
    reference: inUnit(reference),
    hypervolume: isSmall ? share(front) : null,
    growth,
  }
}
