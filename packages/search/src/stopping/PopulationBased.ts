// Population-based training (Jaderberg et al., 2017), in rounds: members train up to a point and wait there; the worst
// of them resume from the checkpoint of one of the best, with that one's parameters changed. Owns the pure rule: who
// exploits whom, and what the parameters become. Copying a checkpoint is the coordinator's.
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import { changeableInTraining, nextPoint, type PopulationOptions, replacedOf } from "@sweep/domain/population"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { type Axis, axisOf } from "../space/Axis.ts"
import { lossOf, pointOf, valueOf } from "./Progress.ts"
import { random, type Random } from "../numerics/Random.ts"
import { compileSpace } from "../space/Space.ts"

/** A trial that waits at the end of a round. */
export interface Member {
  readonly trial: number
  readonly parameters: Parameters
  /** Of the sweep's metric, at the point where it waits: that of the weights that would be copied. */
  readonly value: number
  /** Whether its checkpoint is to be had. */
  readonly mayGive: boolean
}

export interface Exploitation {
  readonly trial: number
  readonly from: number
  readonly parameters: Parameters
  readonly reason: Reason
}

/** `value` times one of the factors, on the axis: at least one level away where there are levels, never off the ends. */
const perturbed = (axis: Axis, value: ParameterValue, factor: number, from: Random): ParameterValue => {
  if (axis.kind === "continuous" && typeof value === "number") return axis.decode(axis.encode(value * factor))
  const level = axis.level(axis.encode(value))
  if (axis.kind === "choice" || !Number.isFinite(axis.levels)) return axis.decode(from.uniform())
  const next = factor >= 1 ? level + 1 : level - 1
  return axis.value(Math.min(axis.levels - 1, Math.max(0, next)))
}

/** What was not changed but for rounding is the parent's. `null`: a checkpoint of the parent could not be resumed. */
const changesOf = (parent: Parameters, child: Parameters): Parameters | null => {
  const changes: Record<string, ParameterValue> = {}
  for (const name of Object.keys({ ...parent, ...child })) {
    const [before, after] = [parent[name], child[name]]
    const isSame =
      before === after ||
      (typeof before === "number" && typeof after === "number" && Math.abs(after - before) <= 1e-9 * Math.abs(before))
    if (!isSame && !changeableInTraining.includes(name)) return null
    const value = isSame ? before : after
    if (value !== undefined) changes[name] = value
  }
  return changes
}

/** Who of those that wait at the end of round `round`, counted from 1, exploits whom. A function of its arguments. */
export const exploitations = (
  { space: definition, metric: { goal }, seed }: Pick<SweepSpec, "space" | "metric" | "seed">,
  options: PopulationOptions,
  members: ReadonlyArray<Member>,
  round: number,
): ReadonlyArray<Exploitation> => {
  const { perturb, resample_probability } = options
  const { resource, at } = nextPoint(options, round - 1)
  const space = compileSpace(definition)
  const changing = options.parameters ?? changeableInTraining
  const axes = definition.dimensions.flatMap((dimension) => {
    const axis = changing.includes(dimension.name) ? axisOf(dimension) : null
    return axis === null ? [] : [axis]
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
      const changed = whole === null ? null : changesOf(parent, whole)
      if (changed !== null) return changed
    }
    return parent
  }

  const ranked = members
    .map((member) => ({ ...member, loss: lossOf(goal, member.value) }))
    .sort((a, b) => a.loss - b.loss || a.trial - b.trial)
  const share = replacedOf(options, ranked.length)
  const best = ranked.slice(0, share).filter(({ mayGive }) => mayGive)
  if (best.length === 0) return []
  return ranked.slice(ranked.length - share).map(({ trial }, i) => {
    const from = random(seed, trial, `pbt ${round}`)
    const parent = best[from.index(best.length)]!
    const place = ranked.length - share + i + 1
    return {
      trial,
      from: parent.trial,
      parameters: explore(parent.parameters, from),
      reason: {
        _tag: "Exploits",
        ...pointOf(resource, at),
        place,
        among: ranked.length,
        parent: parent.trial,
        value: valueOf(goal, parent.loss),
      },
    }
  })
}
