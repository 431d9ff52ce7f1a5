// What a sweep that trains a population will do, for `sweep check`: how many members, where they wait for each other, and
// what changes there. Owns reading it off the spec; trials whose length differs have no points in common to name.
import {
  changeableInTraining,
  epochsOfAll,
  nextPoint,
  populationOptions,
  replacedOf,
  roundsWithin,
} from "@sweep/domain/population"
import type { SweepSpec } from "@sweep/domain/SweepSpec"

export interface PlannedPopulation {
  readonly members: number
  /** `null`: as many as trials come. */
  readonly populations: number | null
  readonly resource: string
  /** Where members wait, in `resource`; `null`: not the same for all. */
  readonly points: ReadonlyArray<number> | null
  /** Where they end. */
  readonly end: number | null
  /** Members that resume from another one, at every point. */
  readonly replaced: number
  readonly changing: ReadonlyArray<string>
}

/** `steps`: the optimiser steps of every trial; `null` where they differ. */
export const plannedPopulation = (spec: SweepSpec, steps: number | null): PlannedPopulation | null => {
  const options = populationOptions(spec)
  if (options === null) return null
  const { resource, population, parameters } = options
  const end = resource === "step" ? steps : (epochsOfAll(spec) ?? null)
  const { trials } = spec.budget
  return {
    members: population,
    populations: trials === null ? null : Math.ceil(trials / population),
    resource,
    points:
      end === null
        ? null
        : Array.from({ length: roundsWithin(options, end) }, (_, round) => nextPoint(options, round).at),
    end,
    replaced: replacedOf(options, population),
    changing: spec.space.dimensions.flatMap(({ name, distribution }) =>
      (parameters ?? changeableInTraining).includes(name) && distribution._tag !== "Constant" ? [name] : [],
    ),
  }
}

const list = (items: ReadonlyArray<string | number>): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`

/** Where there are more points, the first three and the last are named. */
const namedPoints = 8

const pointsText = ({ resource, points, end }: PlannedPopulation): string => {
  if (points === null) return "at their points"
  const named = points.length <= namedPoints ? list(points) : `${points.slice(0, 3).join(", ")}, …, ${points.at(-1)}`
  return `after ${resource}${points.length === 1 ? "" : "s"} ${named} of ${end}`
}

export const populationText = (plan: PlannedPopulation): string => {
  const { members, populations, replaced, changing } = plan
  const all = populations === 1 ? "" : `${populations === null ? "" : `${populations} `}populations of `
  const [worst, best] = replaced === 1 ? ["worst resumes", "best"] : [`worst ${replaced} resume`, `best ${replaced}`]
  return `${all}${members} members, which wait for each other ${pointsText(plan)}; there the ${worst} from the ${best}, with ${list(changing)} changed`
}
