// One trial, live: its curves, parameters, log, samples and diagnosis.
import type { Progress, TrialDetail } from "./LiveData.ts"
import { actions } from "./actions.ts"
import { connect, get } from "./connect.ts"
import { CurvesView } from "./curvesView.ts"
import { fill, h, whenChanged } from "./dom.ts"
import { yaml } from "./sweepView.ts"
import { duration, language, named, number, w } from "./words.ts"

const readEvery = 1_500

export const trialView = (
  root: HTMLElement,
  sweep: string,
  trial: number,
  away: (message: string | null, gone: boolean) => void,
) => {
  const path = `/api/sweeps/${sweep}/trials/${trial}`
  const top = h("div")
  const title = h("h2")
  const body = h("div")
  let curves: CurvesView | undefined
  let seen: TrialDetail | undefined
  const place = h("section", {}, title)
  fill(root, top, place, body)
  const changed = whenChanged()
  const topChanged = whenChanged()

  const draw = () => {
    if (seen === undefined) return
    const now = seen
    document.title = `${sweep}/${trial} · sweep`
    title.textContent = w("curves")
    topChanged([now.state, now.why, language()], () =>
      fill(
        top,
        h("p", {}, h("a", { href: `#/s/${sweep}` }, w("back"))),
        h("h1", {}, `${sweep}/${trial}`),
        h(
          "p",
          { class: now.state, id: "status", "data-status": now.state },
          named(now.state) + (now.why === null ? "" : `: ${now.why}`),
        ),
        actions(sweep, trial, now.state),
      ),
    )
    const fact = (name: string, value: string | null) =>
      value !== null && h("div", {}, h("dt", {}, name), h("dd", {}, value))
    const { diagnosis } = now
    changed([now, language()], () =>
      fill(
        body,
        h(
          "div",
          { class: "two" },
          h("section", {}, h("h2", {}, w("parameters")), h("pre", {}, yaml(now.parameters))),
          h(
            "section",
            {},
            h("h2", {}, w("values")),
            h(
              "dl",
              { class: "facts" },
              ...Object.entries(now.values).map(([name, value]) => fact(name, value === null ? "–" : number(value))),
              fact(w("time"), duration(now.ranMs)),
              fact(w("host"), now.agent),
              fact(w("seed"), String(now.seed)),
              ...now.attempts.map((one) =>
                fact(`${w("attempts")} ${one.attempt}`, `${one.agent}: ${one.end ?? w("running")}`),
              ),
            ),
          ),
        ),
        h(
          "section",
          {},
          h("h2", {}, w("diagnosis")),
          diagnosis === null
            ? h("p", { class: "quiet" }, w("none"))
            : h(
                "div",
                {},
                h("p", { class: `v-${diagnosis.kind}` }, named(diagnosis.kind)),
                h(
                  "ul",
                  {},
                  diagnosis.evidence.map((one) => h("li", {}, `${one.holds ? "✓" : "·"} ${one[language()]}`)),
                ),
                h(
                  "ul",
                  {},
                  diagnosis.advice.map((one) => h("li", {}, one[language()])),
                ),
              ),
        ),
        now.samples.length > 0 &&
          h(
            "section",
            {},
            h("h2", {}, w("samples")),
            ...now.samples.map((one) =>
              h(
                "pre",
                {},
                Object.values(one)
                  .filter((part) => typeof part === "string")
                  .join("\n\n"),
              ),
            ),
          ),
        h(
          "section",
          { id: "log" },
          h("h2", {}, w("log_")),
          ...[now.stdout, now.stderr].filter((text) => text !== "").map((text) => h("pre", {}, text)),
          now.stdout + now.stderr === "" && h("p", { class: "quiet" }, w("none")),
        ),
      ),
    )
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
  const moved = ({ head }: { readonly head: { readonly metric: { readonly name: string } } }) => {
    if (curves === undefined) {
      curves = new CurvesView(path, head.metric.name)
      place.append(curves.element)
    } else curves.refresh()
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
