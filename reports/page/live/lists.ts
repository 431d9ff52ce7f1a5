// The list of sweeps, and the hosts.
import type { All } from "./LiveData.ts"
import { connect } from "./connect.ts"
import { type Child, fill, h } from "./dom.ts"
import { named, number, w } from "./words.ts"

const table = (titles: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Child>>) =>
  h(
    "div",
    { class: "scroll", tabindex: 0, "aria-label": titles[0] },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          titles.map((title) => h("th", { scope: "col" }, title)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((cell) => h("td", {}, cell)),
          ),
        ),
      ),
    ),
  )

const sweeps = ({ sweeps: all }: All) =>
  all.length === 0
    ? h("p", { class: "quiet" }, w("noSweeps"))
    : table(
        [w("name"), w("status"), w("trials"), w("best"), w("metric"), w("method")],
        all.map((sweep) => [
          h("a", { href: `#/s/${sweep.id}` }, sweep.name),
          h("span", { class: sweep.status }, named(sweep.status)),
          `${sweep.counts["completed"] ?? 0}/${sweep.counts["total"] ?? 0}`,
          sweep.best === null || sweep.best === undefined ? "–" : number(sweep.best),
          sweep.metric.name,
          sweep.method,
        ]),
      )

const hosts = ({ hosts: all }: All) =>
  all.length === 0
    ? h("p", { class: "quiet" }, w("noHosts"))
    : table(
        [w("host"), w("state"), w("devices"), w("runs")],
        all.map((host) => [
          host.agent === host.hostname ? host.agent : `${host.agent} (${host.hostname})`,
          h(
            "span",
            { class: host.state === "lost" || host.state === "quarantined" ? "failed" : null },
            named(host.state),
          ),
          host.slots.map(({ index, devices }) => `${index}: ${devices.map(({ name }) => name).join(" + ")}`).join("; "),
          h(
            "span",
            {},
            host.running.flatMap(({ sweep, trial }) => [
              h("a", { href: `#/s/${sweep}/t/${trial}` }, `${sweep}/${trial}`),
              " ",
            ]),
          ),
        ]),
      )

export const listView = (
  root: HTMLElement,
  which: "sweeps" | "hosts",
  away: (message: string | null, gone: boolean) => void,
) => {
  let seen: All | undefined
  const draw = () => {
    document.title = `${w(which)} · sweep`
    if (seen !== undefined) fill(root, h("h1", {}, w(which)), (which === "sweeps" ? sweeps : hosts)(seen))
  }
  const all = (next: All) => {
    seen = next
    draw()
  }
  return { end: connect("/api/events", { all }, away), words: draw }
}
