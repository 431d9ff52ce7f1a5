// One sweep, live: the answer so far, objective over trials, curves, leader board, timeline.
import type { AnswerView, Head, Progress, TrialRow } from "./LiveData.ts"
import { actions, copyButton } from "./actions.ts"
import { Board } from "./board.ts"
import { Chart } from "./chart.ts"
import { connect } from "./connect.ts"
import { CurvesView } from "./curvesView.ts"
import { fill, h, whenChanged } from "./dom.ts"
import { timeline } from "./timeline.ts"
import { named, number, w } from "./words.ts"

interface View {
  readonly head: Head
  readonly answer: AnswerView | null
  readonly at: number
  readonly trials: ReadonlyArray<TrialRow>
}

export const yaml = (parameters: Readonly<Record<string, unknown>>): string =>
  Object.entries(parameters)
    .map(
      ([name, value]) =>
        `${name}: ${typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? "null")}`,
    )
    .join("\n")

const answerOf = ({ metric }: Head, answer: AnswerView | null): HTMLElement => {
  if (answer === null) return h("p", { class: "quiet" }, w("noAnswer"))
  const { certainty, runner_up: second } = answer
  const text = yaml(answer.next.parameters)
  const figure = (value: string, label: string) => h("div", {}, h("dt", {}, label), h("dd", {}, value))
  const share = (value: number) => (value > 0.99 ? "> 99 %" : value < 0.01 ? "< 1 %" : `${Math.round(100 * value)} %`)
  return h(
    "div",
    { class: "two" },
    h(
      "div",
      {},
      h(
        "dl",
        { class: "figures" },
        figure(number(answer.objective), metric.name),
        figure(`#${answer.trial}`, w("best")),
        second !== null &&
          figure(number(second.behind), `${w("runnerUp")} #${second.trials.join(" #")}: ${w("behind")}`),
      ),
      answer.verdict !== null && h("p", { class: `v-${answer.verdict}` }, named(answer.verdict)),
      certainty !== null &&
        h("p", {}, `${w("probability")}: ${share(certainty.probability_best_of_all)} (${w(certainty.level)})`),
    ),
    h("div", {}, h("div", { class: "tools" }, h("strong", {}, w("tryNext")), copyButton(text)), h("pre", {}, text)),
  )
}

export const sweepView = (root: HTMLElement, id: string, away: (message: string | null, gone: boolean) => void) => {
  const rows = new Map<number, TrialRow>()
  let head: Head | undefined
  let answer: AnswerView | null = null
  let at = 0
  let curves: CurvesView | undefined
  let drawing = false
  const top = h("div")
  const said = h("section", { id: "answer" })
  const objective = new Chart((index) => (location.hash = `#/s/${id}/t/${shown[index]}`))
  let shown: ReadonlyArray<number> = []
  const board = new Board()
  const lanes = h("div")
  const titles = { objective: h("h2"), curves: h("h2"), board: h("h2"), timeline: h("h2") }
  const objectiveSection = h("section", { hidden: true }, titles.objective, objective.element)
  const curvesPlace = h("section", {}, titles.curves)
  fill(
    root,
    top,
    said,
    objectiveSection,
    curvesPlace,
    h("section", {}, titles.board, board.element),
    h("section", {}, titles.timeline, lanes),
  )
  const topChanged = whenChanged()
  const answerChanged = whenChanged()

  const draw = () => {
    drawing = false
    if (head === undefined) return
    const now = head
    const list = Array.from(rows.values())
    document.title = `${now.name} · sweep`
    for (const [key, title] of Object.entries(titles)) title.textContent = w(key as keyof typeof titles)
    topChanged([now.name, now.status, now.reason, now.counts, document.documentElement.lang], () =>
      fill(
        top,
        h("h1", {}, now.name),
        now.description !== "" && h("p", { class: "quiet" }, now.description),
        h(
          "p",
          { class: "quiet", id: "status", "data-status": now.status },
          [
            named(now.status) + (now.reason === null ? "" : `: ${now.reason}`),
            now.method,
            `${now.counts["total"] ?? 0} ${w("trials")}`,
          ]
            .concat(
              Object.entries(now.counts)
                .filter(([key, n]) => key !== "total" && n > 0)
                .map(([key, n]) => `${named(key)} ${n}`),
            )
            .join(" · "),
        ),
        actions(id, null, now.status),
      ),
    )
    answerChanged([answer, document.documentElement.lang], () =>
      fill(said, h("h2", {}, w("answer")), answerOf(now, answer)),
    )
    const judged = list.filter((row) => row.objective !== null).toSorted((a, b) => a.number - b.number)
    shown = judged.map((row) => row.number)
    objectiveSection.hidden = judged.length === 0
    let best = judged[0]?.objective ?? 0
    const sofar = judged.map(
      (row) =>
        (best = now.metric.goal === "minimize" ? Math.min(best, row.objective!) : Math.max(best, row.objective!)),
    )
    objective.draw({
      title: `${w("objective")}: ${now.metric.name}`,
      xs: shown,
      log: false,
      counts: true,
      lines: [
        { label: w("bestSoFar"), tone: "--quiet", width: 1.5, values: sofar },
        { label: now.metric.name, tone: "--accent", width: 1, dots: true, values: judged.map((row) => row.objective) },
      ],
    })
    board.update(now, list, answer?.trial ?? null)
    curves?.context(rows, answer?.trial ?? null)
    timeline(lanes, id, list, at)
  }
  const soon = () => {
    if (drawing) return
    drawing = true
    requestAnimationFrame(draw)
  }
  const take = (view: View) => {
    head = view.head
    answer = view.answer
    at = view.at
    for (const row of view.trials ?? []) rows.set(row.number, row)
    if (curves === undefined) {
      curves = new CurvesView(`/api/sweeps/${id}`, head.metric.name)
      curvesPlace.append(curves.element)
    } else curves.refresh()
    soon()
  }
  const end = connect(
    `/api/sweeps/${id}/events`,
    {
      sweep: (view: View) => {
        rows.clear()
        take(view)
      },
      same: take,
      change: take,
      points: (progress: ReadonlyArray<Progress>) => curves?.take(progress),
      gone: ({ message }: { readonly message: string }) => fill(root, h("p", {}, message)),
    },
    away,
  )
  return {
    end,
    words: () => {
      curves?.words()
      soon()
    },
  }
}
