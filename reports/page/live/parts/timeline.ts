// Which trial ran where and when, with hours along the way; what runs now reaches to its end.
import { duration } from "../../../src/Format.ts"
import { roundSteps } from "../../../src/draw/scale.ts"
import type { Head, TrialRow } from "../LiveData.ts"
import { fill, h } from "../dom.ts"
import { named } from "../words/words.ts"

/** As many bars as a lane can tell apart. */
const mostBars = 400
const units = [1_000, 60_000, 3_600_000, 86_400_000]

export const timeline = (root: HTMLElement, head: Head, rows: ReadonlyArray<TrialRow>, now: number): void => {
  const began = rows.filter((row) => row.startedAt !== null && row.agent !== null)
  if (began.length === 0) return fill(root)
  const from = began.reduce((least, row) => Math.min(least, row.startedAt!), Infinity)
  const to = began.reduce((most, row) => Math.max(most, row.endedAt ?? now), from + 1)
  const span = to - from
  const share = (at: number) => `${(100 * (at - from)) / span}%`
  const unit = units.findLast((one) => span / one >= 3) ?? 1_000
  const ticks = roundSteps(0, span / unit, Math.max(2, root.clientWidth / 140)).filter(
    (tick) => tick * unit < 0.97 * span,
  )
  const lanes = Array.from(
    Map.groupBy(began, ({ agent, slot }) => (slot === null ? agent! : `${agent} · ${slot}`)),
  ).toSorted(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
  const axis = h("div", { class: "track axis" })
  for (const tick of ticks) {
    const label = h("span", {}, tick === 0 ? "0" : duration(tick * unit))
    label.style.left = share(from + tick * unit)
    axis.append(label)
  }
  fill(
    root,
    ...lanes.map(([agent, trials]) =>
      h(
        "div",
        { class: "lane" },
        h("span", { title: agent }, agent),
        h(
          "div",
          { class: "track" },
          trials.slice(-mostBars).map((row) => {
            const text = `#${row.number} ${named(row.state)}, ${duration(row.ranMs)}`
            const bar = h("a", {
              class: row.state,
              href: `#/s/${head.id}/t/${row.number}`,
              title: text,
              "aria-label": text,
            })
            bar.style.left = share(row.startedAt!)
            bar.style.width = `${Math.max(0.15, (100 * ((row.endedAt ?? to) - row.startedAt!)) / span - 0.06)}%`
            return bar
          }),
        ),
      ),
    ),
    h("div", { class: "lane", "aria-hidden": "true" }, h("span", {}), axis),
  )
}
