// Short ways to write spaces and histories in tests.
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters } from "@sweep/domain/Parameter"
import { SearchSpace } from "@sweep/domain/SearchSpace"
import { Metric } from "@sweep/domain/Metric"
import * as Schema from "effect/Schema"
import type { History, Observation } from "../src/space/History.ts"

export const minimize = new Metric({ name: "eval/loss", goal: "minimize", summary: "best", target: null })
export const maximize = new Metric({ ...minimize, goal: "maximize" })

export interface Written {
  readonly [name: string]:
    | Distribution
    | (Distribution & { readonly when?: string; readonly prior?: { center: number; width: number } })
}

export const space = (
  dimensions: Written,
  more: {
    readonly derive?: Readonly<Record<string, string | { readonly expression: string; readonly when: string }>>
    readonly constraints?: ReadonlyArray<string>
  } = {},
): SearchSpace =>
  Schema.decodeUnknownSync(SearchSpace)({
    dimensions: Object.entries(dimensions).map(([name, written]) => {
      const { when = null, prior = null, ...distribution } = written as Distribution & { when?: string; prior?: object }
      return { name, distribution, when, prior }
    }),
    derived: Object.entries(more.derive ?? {}).map(([name, value]) =>
      typeof value === "string" ? { name, expression: value, when: null } : { name, ...value },
    ),
    constraints: more.constraints ?? [],
  })

export const list = (...values: Array<string | number | boolean | null>) =>
  ({ _tag: "Categorical", values: values as [string | number], probabilities: null }) as const
export const int = (min: number, max: number) => ({ _tag: "IntUniform", min, max }) as const
export const uniform = (min: number, max: number) => ({ _tag: "Uniform", min, max }) as const
export const log = (min: number, max: number) => ({ _tag: "LogUniform", min, max }) as const

export const completed = (number: number, parameters: Parameters, objective: number): Observation => ({
  number,
  parameters,
  outcome: "completed",
  objective,
  values: {},
})
export const open = (number: number, parameters: Parameters): Observation => ({
  number,
  parameters,
  outcome: "open",
  objective: null,
  values: {},
})
export const failed = (number: number, parameters: Parameters): Observation => ({
  ...open(number, parameters),
  outcome: "failed",
})

export const infeasible = (number: number, parameters: Parameters): Observation => ({
  ...open(number, parameters),
  outcome: "infeasible",
})

export const historyFrom = (sets: ReadonlyArray<Parameters>): History => sets.map((set, i) => open(i + 1, set))
