// Population-based training (Jaderberg et al., 2017): at every interval the worst of the population go on from the
// checkpoint of one of the best, with that one's parameters changed. Owns the pure rule: who exploits whom, and what
// the parameters become. Copying a checkpoint is the coordinator's.
import type { Goal } from "@sweep/domain/Metric"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import { type Axis, axisOf } from "./Axis.ts"
import type { History } from "./History.ts"
import { lossesAt, pointName, type Reading, type Resource, resourceAt, shown, usedBefore } from "./Progress.ts"
import { random, type Random } from "./Random.ts"
import { compileSpace } from "./Space.ts"
import { type Curves, type Decision, neverPromotes, proceed, type Report, type Stopper } from "./Stopper.ts"

export interface PopulationOptions {
  readonly resource: Resource
  readonly interval: number
  /** Trials 1 … population are the first population, the next as many the second, and so on. */
  readonly population: number
  readonly quantile: number
  /** Share of the parameters drawn anew instead of perturbed. */
  readonly resample_probability: number
  /** Factors, one of which a number is multiplied with. */
  readonly perturb: ReadonlyArray<number>
  /** Which may change in the middle of training; `null`: the numeric ones that do not shape the model or the schedule. */
  readonly parameters: ReadonlyArray<string> | null
}

/** Changing these means other tensors, or another length of training: a checkpoint could not go on. */
const fixed = new Set([
  "rank",
  "alpha",
  "target_modules",
  "variant",
  "epochs",
  "max_steps",
  "max_length",
  "precision",
  "oft_block_size",
  "oft_rank",
  "trainable_layers",
])

/** `value` times one of the factors, on the axis: at least one level away where there are levels, never off the ends. */
const perturbed = (axis: Axis, value: ParameterValue, factor: number, from: Random): ParameterValue => {
  if (axis.kind === "continuous" && typeof value === "number") return axis.decode(axis.encode(value * factor))
  const level = axis.level(axis.encode(value))
  if (axis.kind === "choice" || !Number.isFinite(axis.levels)) return axis.decode(from.uniform())
  const next = factor >= 1 ? level + 1 : level - 1
  return axis.value(Math.min(axis.levels - 1, Math.max(0, next)))
}

export const populationBased = (
  definition: SearchSpace,
  goal: Goal,
  summary: "best" | "last",
  seed: number,
  options: PopulationOptions,
): Stopper => {
  const { resource, interval, population, quantile, perturb, resample_probability } = options
  const reading: Reading = { resource, goal, summary }
  const space = compileSpace(definition)
  const axes = definition.dimensions.flatMap((dimension) => {
    const axis = axisOf(dimension)
    const wanted =
      options.parameters === null
        ? axis !== null && axis.kind !== "choice" && !fixed.has(dimension.name)
        : options.parameters.includes(dimension.name)
    return axis !== null && wanted ? [axis] : []
  })

  /** The parameters of `parent`, changed; those of the parent as they are when no change satisfies the constraints. */
  const explore = (parent: Parameters, from: Random): Parameters => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const child: Record<string, ParameterValue> = { ...parent }
      for (const axis of axes) {
        const value = parent[axis.name]
        if (value === undefined) continue
        child[axis.name] =
          from.uniform() < resample_probability
            ? axis.decode(from.uniform())
            : perturbed(axis, value, perturb[from.index(perturb.length)]!, from)
      }
      // Derived parameters follow, and conditions are looked at again.
      const whole = space.decode(space.encode(child).map((u) => (Number.isNaN(u) ? 0.5 : u)))
      if (whole !== null) return whole
    }
    return parent
  }

  return {
    promote: neverPromotes,
    decide: (history: History, curves: Curves, report: Report): Decision => {
      const curve = curves.get(report.trial) ?? []
      const at = resourceAt(resource, curve, report)
      if (at === null) return proceed
      const point = Math.floor(at / interval + 1e-9) * interval
      // Once per interval, at the report that enters it.
      if (point <= 0 || usedBefore(curve, report, resource) >= point - 1e-6) return proceed
      const group = Math.ceil(report.trial / population)
      const peers = new Map(Array.from(curves).filter(([trial]) => Math.ceil(trial / population) === group))
      const losses = Array.from(lossesAt(peers, point, reading)).sort(([a, x], [b, y]) => x - y || a - b)
      const share = Math.floor(losses.length * quantile)
      const place = losses.findIndex(([trial]) => trial === report.trial)
      if (share === 0 || place < losses.length - share) return proceed
      const from = random(seed, report.trial, `pbt ${point}`)
      const [parent, loss] = losses[from.index(share)]!
      const parameters = history.find(({ number }) => number === parent)?.parameters
      if (parameters === undefined) return proceed
      return {
        _tag: "Exploit",
        from: parent,
        parameters: explore(parameters, from),
        reason: `at ${pointName(resource, point)} it is number ${place + 1} of ${losses.length}; it goes on from trial ${parent} (${shown(goal, loss)})`,
      }
    },
  }
}
