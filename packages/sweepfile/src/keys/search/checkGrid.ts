// A grid needs values it can count.
import type { Distribution } from "@sweep/domain/Distribution"
import type { ReadParameter } from "../readParameters.ts"

const hasGrid = (distribution: Distribution): boolean =>
  ["Constant", "IntUniform", "QUniform"].includes(distribution._tag) ||
  (distribution._tag === "Categorical" && distribution.probabilities === null)

export const checkGrid = (parameters: ReadonlyArray<ReadParameter>): void => {
  for (const { name, field, takes } of parameters) {
    if (takes._tag !== "Searched" || hasGrid(takes.distribution)) continue
    const weighted = takes.distribution._tag === "Categorical"
    field.report({
      message: weighted
        ? `a grid takes every value once; \`${name}\` has probabilities`
        : `a grid needs a list of values; \`${name}\` is continuous`,
      expected: weighted ? "`values` alone" : "`values`, integer `min` and `max`, or `q_uniform`",
      hint: "or take `method: random`",
    })
  }
}
