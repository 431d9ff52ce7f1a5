// Rows in columns, for the page: a report of 100 curves is mostly numbers, and names of fields and verdicts need not be
// repeated for each. The page's unpack.ts reads it back.
import type { Row } from "./Chart.ts"

/** `words` are present where the values are text; `values` index them then. */
export interface PackedColumn {
  readonly field: string
  readonly words?: ReadonlyArray<string>
  readonly values: ReadonlyArray<number | boolean | string | null>
}

/** Six digits are more than a screen can show. */
const short = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(6)))

export const pack = (rows: ReadonlyArray<Row>): ReadonlyArray<PackedColumn> =>
  Object.keys(rows[0] ?? {}).map((field) => {
    const values = rows.map((row) => row[field] ?? null)
    if (values.every((value) => typeof value === "string")) {
      const words = [...new Set(values)]
      const index = new Map(words.map((word, at) => [word, at]))
      return { field, words, values: values.map((value) => index.get(value)!) }
    }
    return { field, values: values.map((value) => (typeof value === "number" ? short(value) : value)) }
  })
