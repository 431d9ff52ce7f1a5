// The list of sweeps, and the hosts.
import { bytes, instant, metricValue } from "../../../src/Format.ts"
import type { All, Head, Host } from "../LiveData.ts"
import { connect } from "../connect.ts"
import { fill, h } from "../dom.ts"
import { copyButton } from "../parts/actions.ts"
import { language, named, w } from "../words/words.ts"

const ended = ["completed", "stopped", "failed", "infeasible", "cancelled"]

export const progressOf = ({ counts, budget, status }: Head) => {
  const done = ended.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
  const all = status === "finished" || status === "stopped" ? done : Math.max(budget.trials ?? 0, counts["total"] ?? 0)
  return { done, all, share: all === 0 ? 0 : done / all }
}

export const progressBar = (head: Head): HTMLElement => {
  const { done, all, share } = progressOf(head)
  const text = `${done} ${w("ofAll")} ${all} ${w("trialsDone")}`
  const bar = h("span", {
    class: "progress",
    role: "progressbar",
    "aria-valuenow": Math.round(100 * share),
    "aria-valuemin": 0,
    "aria-valuemax": 100,
    "aria-label": text,
  })
  const part = (state: string, of: number) => {
    const piece = h("i", { class: state })
    piece.style.width = `${(100 * of) / Math.max(1, all)}%`
    return piece
  }
  for (const state of ["completed", "stopped", "failed", "infeasible", "cancelled", "running"]) {
    const of = head.counts[state] ?? 0
    if (of > 0) bar.append(part(state, of))
  }
  return bar
}

const ago = (at: number): string => {
  const minutes = Math.round((at - Date.now()) / 60_000)
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto" })
  if (minutes > -60) return format.format(minutes, "minute")
  if (minutes > -48 * 60) return format.format(Math.round(minutes / 60), "hour")
  return format.format(Math.round(minutes / 1440), "day")
}

const start = (title: string, how: string, command: string) =>
  h(
    "div",
    { class: "start" },
    h("h2", {}, title),
    h("p", { class: "quiet" }, how),
    h(
      "div",
      { class: "copy" },
      h("pre", { tabindex: 0, "aria-label": title }, command),
      copyButton(() => command),
    ),
  )

const sweepCard = (sweep: Head) => {
  const { done, all } = progressOf(sweep)
  return h(
    "li",
    {},
    h(
      "div",
      { class: "what" },
      h("h2", {}, h("a", { href: `#/s/${sweep.id}` }, sweep.name)),
      h("span", { class: `pill ${sweep.status}` }, named(sweep.status)),
    ),
    sweep.description !== "" && h("p", { class: "quiet" }, sweep.description),
    progressBar(sweep),
    h(
      "p",
      { class: "meta" },
      h("span", {}, `${done} ${w("ofAll")} ${all} ${w("trialsDone")}`),
      (sweep.counts["running"] ?? 0) > 0 && h("span", {}, `${sweep.counts["running"]} ${w("running")}`),
      ["failed", "infeasible"]
        .filter((state) => (sweep.counts[state] ?? 0) > 0)
        .map((state) => h("span", { class: "bad" }, `${sweep.counts[state]} ${named(state)}`)),
      h("span", {}, h("code", {}, sweep.method)),
      h("time", { title: instant(sweep.createdAt) }, ago(sweep.createdAt)),
    ),
    h(
      "p",
      { class: "value" },
      h("strong", {}, sweep.best == null ? "–" : metricValue(sweep.best)),
      h("small", {}, h("code", {}, sweep.metric.name), sweep.metric.goal === "minimize" ? " ↓" : " ↑"),
    ),
  )
}

const sweeps = ({ sweeps: all }: All) =>
  all.length === 0
    ? start(w("noSweeps"), w("noSweepsHow"), "sweep run FILE.yaml")
    : h("ul", { class: "cards" }, all.map(sweepCard))

const hostCard = (host: Host) => {
  const running = new Map(host.running.map((one) => [one.slot, one]))
  return h(
    "li",
    {},
    h("div", { class: "what" }, h("h2", {}, host.agent), h("span", { class: `pill ${host.state}` }, named(host.state))),
    h(
      "p",
      { class: "meta" },
      host.hostname !== host.agent && h("span", {}, host.hostname),
      h("span", {}, `sweep ${host.version}`),
      h("span", {}, h("code", {}, host.trainers.join(", "))),
    ),
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, w("slots")),
      h(
        "tbody",
        {},
        host.slots.map(({ index, devices }) => {
          const one = running.get(index)
          const memory = devices.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
          return h(
            "tr",
            {},
            h("th", { scope: "row" }, String(index)),
            h("td", { class: "word" }, devices.map(({ name, kind }) => name || kind).join(" + ") || "–"),
            h("td", { class: "number" }, memory > 0 ? bytes(memory) : ""),
            h(
              "td",
              {},
              one === undefined
                ? h("span", { class: "none" }, w("free"))
                : h("a", { href: `#/s/${one.sweep}/t/${one.trial}` }, `${one.sweep}/${one.trial}`),
            ),
          )
        }),
      ),
    ),
  )
}

const hosts = ({ hosts: all }: All) =>
  all.length === 0
    ? start(w("noHosts"), w("noHostsHow"), `sweep agent --coordinator ${location.hostname}:7733`)
    : h("ul", { class: "cards wide" }, all.map(hostCard))

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
