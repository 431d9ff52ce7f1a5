// One sweep, live: the answer so far, objective over trials, parallel coordinates, leader board, curves, parameters, timeline.
// A filter or a brush narrows all of them.
import type { AnswerView, Head, Progress, TrialRow } from "../LiveData.ts"
import { actions } from "../parts/actions.ts"
import { statusPill } from "../parts/badge.ts"
import { Board } from "../parts/board.ts"
import { connect } from "../connect.ts"
import { CurvesView } from "../parts/curvesView.ts"
import { fill, h, once, whenChanged } from "../dom.ts"
import { HistoryView, SlicesView } from "../parts/dotsView.ts"
import { FrontView } from "../parts/frontView.ts"
import { ImportanceView } from "../parts/importanceView.ts"
import { ParallelView } from "../parts/parallelView.ts"
import { timeline } from "../parts/timeline.ts"
import { varying } from "../parts/varying.ts"
import { Selection } from "../Selection.ts"
import { language, named, w } from "../words/words.ts"
import { answerPart } from "./answerPart.ts"
import { progressBar, progressOf } from "./lists.ts"

export interface View {
  readonly head: Head
  /** Absent while it is being worked out. */
  readonly answer?: AnswerView | null
  readonly at: number
  readonly trials?: ReadonlyArray<TrialRow>
}

const parts = ["front", "history", "parallel", "board", "curves", "parameters", "timeline"] as const

export const sweepView = (root: HTMLElement, id: string, away: (message: string | null, gone: boolean) => void) => {
  const rows = new Map<number, TrialRow>()
  const selection = new Selection()
  let head: Head | undefined
  let answer: AnswerView | null = null
  let isAnswered = false
  let at = 0
  let curves: CurvesView | undefined
  const top = h("div")
  const said = h("section", { id: "answer", class: "first" })
  const history = new HistoryView(selection, id)
  const parallel = new ParallelView(selection)
  const board = new Board(selection)
  const importance = new ImportanceView()
  const slices = new SlicesView(selection, id, () => "verdict")
  const front = new FrontView(selection, id)
  const lanes = h("div")
  const places = {
    front: front.element,
    history: history.element,
    parallel: parallel.element,
    board: board.element,
    curves: h("div"),
    parameters: h("div", {}, h("h3"), importance.element, slices.element),
    timeline: lanes,
  }
  const titles = new Map(parts.map((key) => [key, h("h2")]))
  const links = h("nav", {})
  const sections = new Map(
    parts.map((key) => [key, h("section", { id: key, hidden: true }, titles.get(key), places[key])]),
  )
  const headChanged = whenChanged()
  const answerChanged = whenChanged()
  const navChanged = whenChanged()
  fill(root, top, said, links, ...sections.values())
  links.addEventListener("click", (event) => {
    const key = (event.target as HTMLElement).dataset["to"]
    if (key === undefined) return
    event.preventDefault()
    document.getElementById(key)?.scrollIntoView({ behavior: "smooth" })
  })

  const drawTop = (now: Head) => {
    const { done, all } = progressOf(now)
    const from = answer === null ? null : { trial: answer.trial, parameters: answer.parameters as never }
    fill(
      top,
      h("p", { class: "crumbs" }, h("a", { href: "#/" }, w("sweeps"))),
      h("div", { class: "title" }, h("h1", {}, now.name), statusPill(now.status)),
      now.description !== "" && h("p", { class: "description" }, now.description),
      progressBar(now),
      h(
        "p",
        { class: "meta" },
        h("span", {}, `${done} ${w("ofAll")} ${all} ${w("trialsDone")}`),
        ["running", "assigned", "pending", "stopped", "failed", "infeasible"]
          .filter((state) => (now.counts[state] ?? 0) > 0)
          .map((state) =>
            h(
              "span",
              { class: state === "failed" || state === "infeasible" ? "bad" : null },
              `${now.counts[state]} ${named(state)}`,
            ),
          ),
        h("span", {}, h("code", {}, now.method)),
        h("span", {}, h("code", {}, now.metric.name), now.metric.goal === "minimize" ? " ↓" : " ↑"),
        now.reason !== null && h("span", {}, now.reason[language()]),
      ),
      actions({ sweep: id, trial: null, state: now.status, extendable: now.extendable, from }),
    )
  }

  const draw = once(() => {
    if (head === undefined) return
    const now = head
    const list = Array.from(rows.values())
    const names = varying(now, list)
    const best = answer?.trial ?? null
    const judged = list.some((row) => row.objective !== null)
    document.title = `${now.name} · sweep`
    const visible: Readonly<Record<(typeof parts)[number], boolean>> = {
      front: answer?.pareto != null,
      history: judged,
      parallel: judged && names.length > 0,
      board: list.length > 0,
      curves: list.some(({ state }) => state !== "pending"),
      parameters: judged && names.length > 0,
      timeline: list.some(({ startedAt }) => startedAt !== null),
    }
    for (const key of parts) {
      titles.get(key)!.textContent = w(key)
      sections.get(key)!.hidden = !visible[key]
    }
    places.parameters.querySelector("h3")!.textContent = w("importance")
    navChanged([visible, language()], () => {
      links.setAttribute("aria-label", w("overview"))
      fill(
        links,
        ...parts.filter((key) => visible[key]).map((key) => h("a", { href: `#/s/${id}`, "data-to": key }, w(key))),
      )
      history.words()
    })
    headChanged([now.name, now.status, now.reason, now.counts, now.budget, answer?.trial, language()], () =>
      drawTop(now),
    )
    answerChanged([answer, isAnswered, now.status, now.counts, language()], () =>
      fill(
        said,
        h("h2", {}, w(now.status === "finished" || now.status === "stopped" ? "theAnswer" : "answer")),
        isAnswered ? answerPart(now, answer) : h("p", { class: "quiet" }, w("answering")),
      ),
    )
    const seen = { head: now, rows: list, names, best }
    if (answer?.pareto != null) front.update(now, list, answer.pareto)
    history.update(seen)
    parallel.update(now, list, names, best)
    board.update(now, list, names, best)
    importance.update(now, list)
    slices.update(seen)
    curves?.context({ rows, best, goal: now.metric.goal, colours: names, keeps: selection.keeps, trials: null })
    timeline(lanes, now, list, at)
  })
  selection.listen((what) => {
    if (what === "hovered") {
      parallel.hover(selection.hovered)
      curves?.hover(selection.hovered)
    } else if (what === "chosen") board.redraw()
    else draw()
  })
  const take = (view: View) => {
    head = view.head
    if (view.answer !== undefined) {
      answer = view.answer
      isAnswered = true
    }
    at = view.at
    for (const row of view.trials ?? []) rows.set(row.number, row)
    if (curves === undefined) {
      curves = new CurvesView(
        `/api/sweeps/${id}`,
        head.metric.name,
        (trial) => (location.hash = `#/s/${id}/t/${trial}`),
      )
      places.curves.append(curves.element)
    } else curves.refresh()
    draw()
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
    end: () => {
      end()
      importance.end()
    },
    words: () => {
      curves?.words()
      history.words()
      draw()
    },
  }
}
