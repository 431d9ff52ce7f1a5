// Which curve the pointer is at. Works on the rows rather than on what is drawn: lines are thin, and a finger is not.
type Row = Readonly<Record<string, unknown>>

/** Pixels from the pointer within which a line counts. */
const reach = 18

interface Line {
  readonly rows: ReadonlyArray<Row>
  readonly steps: ReadonlyArray<number>
  readonly values: ReadonlyArray<number>
}

export interface Lines {
  /** The row nearest to the pointer on the nearest line; `undefined` when none is near. */
  readonly at: (
    pointer: { readonly x: number; readonly y: number },
    scale: { readonly x: (step: number) => number; readonly y: (value: number) => number },
    shown: (row: Row) => boolean,
  ) => Row | undefined
  readonly of: (name: unknown) => ReadonlyArray<Row>
}

export const linesOf = (rows: ReadonlyArray<Row>, field: string): Lines => {
  const lines = new Map<unknown, Line>()
  for (const [name, own] of Map.groupBy(rows, (row) => row[field])) {
    const column = (key: string) => own.map((row) => Number(row[key]))
    lines.set(name, { rows: own, steps: column("step"), values: column("value") })
  }
  return {
    of: (name) => lines.get(name)?.rows ?? [],
    at: (pointer, scale, shown) => {
      let found: Row | undefined
      let least = reach
      for (const { rows: own, steps, values } of lines.values()) {
        if (!shown(own[0]!)) continue
        const after = steps.findIndex((step) => scale.x(step) >= pointer.x)
        const right = after < 0 ? steps.length - 1 : after
        const left = Math.max(0, right - 1)
        const [x0, x1] = [scale.x(steps[left]!), scale.x(steps[right]!)]
        const share = x1 === x0 ? 0 : Math.min(1, Math.max(0, (pointer.x - x0) / (x1 - x0)))
        const [y0, y1] = [scale.y(values[left]!), scale.y(values[right]!)]
        const distance = Math.hypot(x0 + share * (x1 - x0) - pointer.x, y0 + share * (y1 - y0) - pointer.y)
        if (distance < least) {
          least = distance
          found = own[share > 0.5 ? right : left]
        }
      }
      return found
    },
  }
}
