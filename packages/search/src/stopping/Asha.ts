// Asynchronous successive halving and asynchronous Hyperband: rungs at min_resource · etaᵏ, and at each a trial continues
// only while it is among the best 1/eta of those that reached it (Li et al., "A System for Massively Parallel
// Hyperparameter Tuning", 2020). Owns the rungs, the brackets (bracket b starts at rung b; trials are spread over them
// as Hyperband's budget does) and both kinds: `stop` ends a trial that falls behind, `promote` pauses every trial at a
// rung and brings back the best. A trial is judged when it reaches a rung and not again before the next one: between rungs
// the trials of other workers are further along than it is, and what they show there says nothing of it (judged again at
// every report, the best trial of a table of real ones was ended too early in 41 of 80 replays with eight workers, judged
// at rungs in 33).
import type { Goal } from "@sweep/domain/Metric"
import type { History } from "../space/History.ts"
import { type Curves, type Decision, end, neverPromotes, proceed, type Report, type Stopper } from "./Stopper.ts"
import { lossesAt, pointOf, reached, type Reading, type Resource, usedBefore, valueOf } from "./Progress.ts"

export interface AshaOptions {
  readonly resource: Resource
  readonly min_resource: number
  readonly max_resource: number | null
  readonly eta: number
  readonly mode: "stop" | "promote"
  /** `null`: as many as fit between min_resource and max_resource (one when there is no end). */
  readonly brackets: number | null
}

/** No curve reaches beyond this many rungs. */
const mostRungs = 40

/** min · etaᵏ below max, from the lowest. */
export const rungsOf = ({ min_resource, max_resource, eta }: AshaOptions): ReadonlyArray<number> => {
  const rungs: Array<number> = []
  for (let k = 0; k < mostRungs; k++) {
    const rung = min_resource * eta ** k
    if (max_resource !== null && rung >= max_resource * (1 - 1e-9)) break
    rungs.push(rung)
  }
  return rungs
}

/** The bits of n mirrored at the point: 1, 2, 3 … become evenly spread fractions, wherever one stops. */
const vanDerCorput = (n: number): number => {
  let fraction = 0
  for (let bit = 0.5; n > 0; n = Math.floor(n / 2), bit /= 2) if (n % 2 === 1) fraction += bit
  return fraction
}

/**
 * The bracket of a trial. Of s + 1 brackets, Hyperband starts ⌈(s + 1) / (s − b + 1)⌉ · eta^(s − b) trials in
 * bracket b: most where trials are cut early.
 */
export const bracketOf = (trial: number, brackets: number, eta: number): number => {
  const shares = Array.from(
    { length: brackets },
    (_, b) => Math.ceil(brackets / (brackets - b)) * eta ** (brackets - 1 - b),
  )
  let rest = vanDerCorput(trial) * shares.reduce((sum, share) => sum + share, 0)
  const found = shares.findIndex((share) => (rest -= share) < 0)
  return found < 0 ? brackets - 1 : found
}

/** How many of n stay. */
const kept = (n: number, eta: number): number => Math.max(1, Math.floor(n / eta))

export const asha = (goal: Goal, summary: "best" | "last", options: AshaOptions): Stopper => {
  const reading: Reading = { resource: options.resource, goal, summary }
  const { resource, eta, mode } = options
  const rungs = rungsOf(options)
  const brackets = Math.max(
    1,
    Math.min(options.brackets ?? (options.max_resource === null ? 1 : rungs.length), rungs.length),
  )
  const known: Array<number> = []
  const bracket = (trial: number): number => (known[trial] ??= bracketOf(trial, brackets, eta))

  const mates = (curves: Curves, trial: number): Curves => {
    if (brackets === 1) return curves
    const mine = bracket(trial)
    return new Map(Array.from(curves).filter(([other]) => bracket(other) === mine))
  }

  /** The place of `trial` among those at its rung, from 0, and how many there are; earlier trials first at equal losses. */
  const placeAt = (curves: Curves, trial: number, rung: number) => {
    const losses = lossesAt(mates(curves, trial), rung, reading)
    const mine = losses.get(trial)!
    let place = 0
    for (const [other, loss] of losses) if (loss < mine || (loss === mine && other < trial)) place++
    return { place, among: losses.size, loss: mine }
  }

  const highestRung = (curves: Curves, trial: number): number | undefined => {
    const curve = curves.get(trial) ?? []
    return rungs.slice(bracket(trial)).findLast((rung) => reached(curve, rung, resource))
  }

  const decide = (_: History, curves: Curves, report: Report): Decision => {
    const curve = curves.get(report.trial) ?? []
    const rung = highestRung(curves, report.trial)
    if (rung === undefined) return proceed
    if (usedBefore(curve, report, resource) >= rung - 1e-6) return proceed
    const { place, among, loss } = placeAt(curves, report.trial, rung)
    const room = kept(among, eta)
    if (place < room && loss < Infinity) return proceed
    return end(mode === "promote" && loss < Infinity ? "pause" : "stop", {
      _tag: "BehindAtRung",
      ...pointOf(resource, rung),
      value: valueOf(goal, loss),
      place: place + 1,
      among,
      kept: room,
    })
  }

  /** The best 1/eta of those at a rung of a bracket, with their losses; each rung is put in order once, however many ask. */
  const earners = (curves: Curves) => {
    const groups = Map.groupBy(curves, ([trial]) => bracket(trial))
    const seen = new Map<string, ReadonlyMap<number, number>>()
    return (of: number, rung: number): ReadonlyMap<number, number> => {
      const key = `${of} ${rung}`
      const found = seen.get(key)
      if (found !== undefined) return found
      const order = Array.from(lossesAt(new Map(groups.get(of)), rung, reading)).sort(
        ([a, lossA], [b, lossB]) => lossA - lossB || a - b,
      )
      const best = new Map(order.slice(0, Math.floor(order.length / eta)))
      seen.set(key, best)
      return best
    }
  }

  const promote = (history: History, curves: Curves): ReadonlyArray<number> => {
    const earned: Array<{ readonly trial: number; readonly rung: number; readonly loss: number }> = []
    const best = earners(curves)
    for (const { number: trial, outcome } of history) {
      if (outcome !== "open") continue
      const rung = highestRung(curves, trial)
      const loss = rung === undefined ? undefined : best(bracket(trial), rung).get(trial)
      if (rung !== undefined && loss !== undefined) earned.push({ trial, rung, loss })
    }
    return earned.sort((a, b) => b.rung - a.rung || a.loss - b.loss || a.trial - b.trial).map(({ trial }) => trial)
  }

  return { decide, promote: mode === "promote" ? promote : neverPromotes }
}
