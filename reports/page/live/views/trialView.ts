// One trial, live: its curves, its configuration beside another one's, diagnosis, samples, files and log.
import { bytes, duration, metricValue, parameterValue } from "../../../src/Format.ts"
import type { Progress, TrialDetail, TrialRow } from "../LiveData.ts"
import { connect, get } from "../connect.ts"
import { fill, h, once, whenChanged } from "../dom.ts"
import { actions } from "../parts/actions.ts"
import { statusPill, verdictBadge } from "../parts/badge.ts"
import { CurvesView } from "../parts/curvesView.ts"
import { language, w } from "../words/words.ts"
import type { View } from "./sweepView.ts"

const readEvery = 1_500

/** What stands in a table of values beside those of another trial. */
const cell = (value: unknown) => (value === undefined ? "–" : parameterValue(value as string))

export const trialView = (
  root: HTMLElement,
  sweep: string,
  trial: number,
  away: (message: string | null, gone: boolean) => void,
) => {
  const path = `/api/sweeps/${sweep}/trials/${trial}`
  const rows = new Map<number, TrialRow>()
  const top = h("div")
  const title = h("h2")
  const body = h("div")
  const against = h("select", { onchange: () => draw() })
  let curves: CurvesView | undefined
  let seen: TrialDetail | undefined
  let best: number | null = null
  let view: View | undefined
  const place = h("section", { class: "first" }, title)
  fill(root, top, place, body)
  const changed = whenChanged()
  const topChanged = whenChanged()

  const configuration = (now: TrialDetail) => {
    const other = rows.get(Number(against.value))
    const names = Array.from(new Set([...Object.keys(now.parameters), ...Object.keys(other?.parameters ?? {})]))
    return h(
      "table",
      { class: "pairs" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, w("parameters")),
          h("th", { scope: "col", class: "number" }, `#${trial}`),
          other !== undefined && h("th", { scope: "col", class: "number" }, `#${other.number}`),
        ),
      ),
      h(
        "tbody",
        {},
        names.map((name) => {
          const differs =
            other !== undefined && JSON.stringify(now.parameters[name]) !== JSON.stringify(other.parameters[name])
          return h(
            "tr",
            { class: differs ? "differs" : null },
            h("th", { scope: "row" }, h("code", {}, name)),
            h("td", { class: "number", title: String(now.parameters[name]) }, cell(now.parameters[name])),
            other !== undefined && h("td", { class: "number quiet" }, cell(other.parameters[name])),
          )
        }),
      ),
    )
  }

  const draw = once(() => {
    if (seen === undefined || view === undefined) return
    const now = seen
    const { head } = view
    document.title = `${sweep}/${trial} · sweep`
    title.textContent = w("curves")
    topChanged([now.state, now.why, now.objective, now.verdict, language()], () =>
      fill(
        top,
        h(
          "p",
          { class: "crumbs" },
          h("a", { href: "#/" }, w("sweeps")),
          " / ",
          h("a", { href: `#/s/${sweep}` }, head.name),
        ),
        h(
          "div",
          { class: "title" },
          h("h1", {}, `${w("trial")} ${trial}`),
          statusPill(now.state),
          verdictBadge(now.verdict),
        ),
        now.why !== null &&
          h(
            "p",
            { class: now.state === "failed" || now.state === "infeasible" ? "message bad" : "description" },
            now.why[language()],
          ),
        h(
          "dl",
          { class: "figures" },
          h(
            "div",
            {},
            h("dd", {}, now.objective === null ? "–" : metricValue(now.objective)),
            h("dt", {}, h("code", {}, head.metric.name)),
          ),
          h("div", {}, h("dd", {}, duration(now.ranMs)), h("dt", {}, w("time"))),
          now.agent !== null && h("div", {}, h("dd", {}, now.agent), h("dt", {}, w("host"))),
        ),
        actions({ sweep, trial, state: now.state, from: { trial, parameters: now.parameters } }),
      ),
    )
    const others = Array.from(rows.values()).filter(({ number }) => number !== trial)
    const chosen = against.value || String(best !== trial && best !== null ? best : "")
    fill(
      against,
      h("option", { value: "" }, w("nothing")),
      ...others.map(({ number }) =>
        h(
          "option",
          { value: number, selected: String(number) === chosen },
          `#${number}${number === best ? ` (${w("best")})` : ""}`,
        ),
      ),
    )
    against.setAttribute("aria-label", w("against"))
    curves?.context({
      rows,
      best,
      goal: head.metric.goal,
      colours: [],
      keeps: () => true,
      trials: [trial, ...(against.value === "" ? [] : [Number(against.value)])],
    })
    changed([now, against.value, language()], () => fill(body, ...drawBody(now)))
  })

  const fact = (name: string, value: string | Node | null) =>
    value !== null && h("div", {}, h("dt", {}, name), h("dd", {}, value))

  const drawBody = (now: TrialDetail) => {
    const { diagnosis } = now
    return [
      h(
        "div",
        { class: "grid two" },
        h(
          "section",
          {},
          h("h2", {}, w("parameters")),
          h("p", { class: "bar tight" }, h("label", {}, w("against"), " ", against)),
          configuration(now),
        ),
        h(
          "section",
          {},
          h("h2", {}, w("values")),
          h(
            "dl",
            { class: "facts" },
            ...Object.entries(now.values).map(([name, value]) =>
              fact(name, value === null ? "–" : name.endsWith("_bytes") ? bytes(value) : metricValue(value)),
            ),
            fact(w("seed"), String(now.seed)),
            fact(w("origin"), now.origin),
            ...now.attempts.map((one) =>
              fact(
                `${w("attempts")} ${one.attempt}`,
                `${one.agent}: ${one.end ?? w("running")}${one.cause === null ? "" : `: ${one.cause[language()]}`}`,
              ),
            ),
          ),
        ),
      ),
      diagnosis !== null &&
        h(
          "section",
          { id: "diagnosis" },
          h("h2", {}, w("diagnosis"), " ", verdictBadge(diagnosis.kind)),
          h(
            "div",
            { class: "grid two" },
            h(
              "ul",
              { class: "evidence" },
              diagnosis.evidence.map((one) =>
                h(
                  "li",
                  { class: one.holds ? "holds" : "fails" },
                  h("span", { class: "sign", "aria-hidden": "true" }, one.holds ? "✓" : "·"),
                  h("span", {}, one[language()]),
                ),
              ),
            ),
            diagnosis.advice.length > 0 &&
              h(
                "div",
                {},
                h("h3", {}, w("advice")),
                h(
                  "ol",
                  {},
                  diagnosis.advice.map((one) => h("li", {}, one[language()])),
                ),
              ),
          ),
        ),
      now.samples.length > 0 &&
        h(
          "section",
          { id: "samples" },
          h("h2", {}, w("samples")),
          ...now.samples.map((one) =>
            h(
              "div",
              { class: "probe" },
              h("p", { class: "quiet text", dir: "auto" }, one.prompt),
              h("p", { class: "text", dir: "auto" }, one.answer),
            ),
          ),
        ),
      now.files.length > 0 &&
        h(
          "section",
          { id: "files" },
          h("h2", {}, w("files")),
          h(
            "ul",
            { class: "plain" },
            now.files.map((one) =>
              h(
                "li",
                {},
                h(
                  "a",
                  { href: `${path}/file?epoch=${one.epoch}&path=${encodeURIComponent(one.path)}`, download: true },
                  h("code", {}, one.path),
                ),
                h("small", {}, ` ${bytes(one.bytes)}`),
              ),
            ),
          ),
        ),
      h(
        "section",
        { id: "log" },
        h("h2", {}, w("log_")),
        ...[now.stdout, now.stderr]
          .filter((text) => text !== "")
          .map((text) => h("pre", { tabindex: 0, "aria-label": w("log_") }, text)),
        now.stdout + now.stderr === "" && h("p", { class: "quiet" }, w("noLog")),
      ),
    ]
  }
  let reading = false
  const read = async () => {
    if (reading) return
    reading = true
    try {
      seen = (await get<TrialDetail | null>(`${path}/detail`)) ?? seen
      draw()
    } catch {
      // Away: the stream says so.
    } finally {
      reading = false
    }
  }
  let readAt = 0
  const soon = () => {
    if (Date.now() - readAt < readEvery) return
    readAt = Date.now()
    void read()
  }
  const moved = (next: View) => {
    view = next
    best = next.answer?.trial ?? best
    for (const row of next.trials ?? []) rows.set(row.number, row)
    if (curves === undefined) {
      curves = new CurvesView(`/api/sweeps/${sweep}`, next.head.metric.name)
      place.append(curves.element)
    } else curves.refresh()
    draw()
    void read()
  }
  const end = connect(
    `/api/sweeps/${sweep}/events`,
    {
      sweep: moved,
      same: moved,
      change: moved,
      points: (progress: ReadonlyArray<Progress>) => {
        curves?.take(progress.filter((one) => one.trial === trial))
        soon()
      },
    },
    away,
  )
  return { end, words: () => (curves?.words(), draw()) }
}
