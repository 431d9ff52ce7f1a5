// Columns back to rows: the other side of src/charts/pack.ts.
import type { PackedColumn } from "../src/charts/pack.ts"

export const unpack = (columns: ReadonlyArray<PackedColumn>): Array<Record<string, unknown>> => {
  const length = columns[0]?.values.length ?? 0
  return Array.from({ length }, (_, index) =>
    Object.fromEntries(
      columns.map(({ field, words, values }) => [
        field,
        words === undefined ? values[index] : words[values[index] as number],
      ]),
    ),
  )
}
