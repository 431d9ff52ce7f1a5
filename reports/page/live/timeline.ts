// Which trial ran where and when.
import type { TrialRow } from "./LiveData.ts"
import { fill, h } from "./dom.ts"
import { named } from "./words.ts"

/** As many bars as a lane can tell apart. */
const mostBars = 400

export const timeline = (root: HTMLElement, sweep: string, rows: ReadonlyArray<TrialRow>, now: number): void => {
  const began = rows.filter((row) => row.startedAt !== null && row.agent !== null)
  if (began.length === 0) return fill(root)
  const from = Math.min(...began.map((row) => row.startedAt!))
  const to = Math.max(now, ...began.map((row) => row.endedAt ?? 0))
  const span = Math.max(1, to - from)
  const lanes = Map.groupBy(began, ({ agent, slot }) => (slot === null ? agent! : `${agent}:${slot}`))
  fill(
    root,
    ...Array.from(lanes, ([agent, trials]) =>
      h(
        "div",
        { class: "lane" },
        h("span", { title: agent }, agent),
        h(
          "div",
          { class: "track" },
          trials.slice(-mostBars).map((row) => {
            const text = `#${row.number} ${named(row.state)}`
            const bar = h("a", {
              class: row.state,
              href: `#/s/${sweep}/t/${row.number}`,
              title: text,
              "aria-label": text,
            })
            bar.style.left = `${(100 * (row.startedAt! - from)) / span}%`
            bar.style.width = `${(100 * ((row.endedAt ?? to) - row.startedAt!)) / span}%`
            return bar
          }),
        ),
      ),
    ),
  )
}
