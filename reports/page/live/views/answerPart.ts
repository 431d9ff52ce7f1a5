// The answer so far: the best configuration to copy, how sure it is, and by how much it leads.
import { difference, metricValue, percent } from "../../../src/Format.ts"
import type { AnswerView, Head } from "../LiveData.ts"
import { h } from "../dom.ts"
import { copyButton } from "../parts/actions.ts"
import { verdictBadge } from "../parts/badge.ts"
import { yaml } from "../parts/varying.ts"
import { w } from "../words/words.ts"

const certaintyBar = (share: number) => {
  const bar = h("span", { class: "progress thin", "aria-hidden": "true" })
  const part = h("i", { class: "running" })
  part.style.width = `${Math.round(100 * share)}%`
  bar.append(part)
  return bar
}

const waiting = ({ counts, status }: Head) => {
  const isWaiting = status === "running" && (counts["running"] ?? 0) === 0 && (counts["pending"] ?? 0) > 0
  return h("div", { class: "start" }, h("p", {}, w("noAnswer")), isWaiting && h("p", { class: "quiet" }, w("waiting")))
}

export const answerPart = (head: Head, answer: AnswerView | null): HTMLElement => {
  if (answer === null) return waiting(head)
  const { certainty, runner_up: second } = answer
  const text = yaml(answer.next.parameters)
  const figure = (value: string, label: string | Node, more?: Node) =>
    h("div", {}, h("dd", {}, value), h("dt", {}, label, more))
  const links = answer.trials.map((trial, i) => [
    i > 0 && " ",
    h("a", { class: "pick", href: `#/s/${head.id}/t/${trial}` }, trial),
  ])
  return h(
    "div",
    { class: "answer" },
    h(
      "div",
      {},
      h(
        "dl",
        { class: "figures" },
        figure(metricValue(answer.objective), h("code", {}, head.metric.name)),
        certainty !== null &&
          figure(
            certainty.probability_best_of_all > 0.99 ? "> 99 %" : percent(certainty.probability_best_of_all),
            w("certainty"),
          ),
        second !== null && figure(difference(Math.abs(second.behind)), w("behind")),
      ),
      certainty !== null && certaintyBar(certainty.probability_best_of_all),
      h(
        "p",
        { class: "bar tight" },
        h("span", {}, w("trial"), " ", links.flat()),
        verdictBadge(answer.verdict),
        certainty !== null && h("span", { class: "quiet" }, w(certainty.level)),
      ),
      certainty !== null &&
        h(
          "p",
          { class: "quiet" },
          `${w("expected")}: ${metricValue(certainty.expected.low)} – ${metricValue(certainty.expected.high)}`,
        ),
    ),
    h(
      "div",
      { class: "copy" },
      h("h3", {}, w("tryNext")),
      h("pre", { tabindex: 0, "aria-label": w("tryNext") }, text),
      copyButton(() => text),
    ),
  )
}
