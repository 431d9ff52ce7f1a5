// Which parameters differ between trials, in the order of the space; those are worth a column, an axis and a chart.
import type { Head, TrialRow } from "../LiveData.ts"

export const varying = ({ space }: Pick<Head, "space">, rows: ReadonlyArray<TrialRow>): ReadonlyArray<string> => {
  const names = new Set([...space.dimensions, ...space.derived].map(({ name }) => name))
  for (const { parameters } of rows) for (const name of Object.keys(parameters)) names.add(name)
  return Array.from(names).filter((name) => {
    const first = JSON.stringify(rows[0]?.parameters[name])
    return rows.some(({ parameters }) => JSON.stringify(parameters[name]) !== first)
  })
}

export const yaml = (parameters: Readonly<Record<string, unknown>>): string =>
  Object.entries(parameters)
    .map(
      ([name, value]) =>
        `${name}: ${typeof value === "string" && /^[\w./-]+$/.test(value) ? value : (JSON.stringify(value) ?? "null")}`,
    )
    .join("\n")
