// Every sentence of an answer against every other one, over sweeps of many kinds and in both languages: the best trial,
// what is advised, epochs, the gap to the runner-up, probabilities and cost stand in several places, and no two may
// disagree.
import { describe, expect, it } from "vitest"
import { answerOf } from "@sweep/diagnosis/answer"
import { configurationsOf } from "@sweep/domain/configurations"
import { duration } from "../src/Format.ts"
import { renderReport } from "../src/renderReport.ts"
import { fixture, type FixtureOptions, quickstartTrials } from "./fixture.ts"

const good = { rank: 8, alpha: 32, learning_rate: 8e-4, epochs: 4, batch_size: 16 }
const hot = { rank: 32, alpha: 64, learning_rate: 1.2e-2, epochs: 16, batch_size: 16 }

const loss = { name: "eval/loss", goal: "minimize", summary: "best", target: null } as const
const speed = { ...loss, name: "train/tokens_per_second", goal: "maximize" } as const

const sweeps: Readonly<Record<string, FixtureOptions>> = {
  quickstart: {},
  "another seed": { seed: 11 },
  "a third seed": { seed: 23 },
  maximised: { maximise: true },
  "one trial": { trials: [{ parameters: good }] },
  "all overfit": { trials: [8, 16, 32].map((rank) => ({ parameters: { ...hot, rank } })) },
  "one that overfits, alone": { trials: [{ parameters: hot }] },
  replicas: { trials: [good, good, hot, hot, good].map((parameters) => ({ parameters })) },
  "failed replicas": {
    trials: [
      { parameters: good },
      { parameters: good, end: "failed" },
      { parameters: good, end: "failed" },
      { parameters: { ...good, rank: 16 } },
      { parameters: { ...good, rank: 16 } },
    ],
  },
  "still running": {
    trials: [
      ...quickstartTrials(5).slice(0, 6),
      { parameters: hot, end: "running" },
      { parameters: good, end: "pending" },
    ],
  },
  "several metrics": { spec: { metrics: [loss, speed] } },
  "several metrics, maximised": {
    maximise: true,
    spec: { metrics: [{ ...loss, name: "eval/token_accuracy", goal: "maximize" }, loss, speed] },
  },
  limits: { spec: { outcomes: [{ metric: speed.name, comparison: ">=", limit: 2_850 }] } },
  "limits and several metrics": {
    seed: 11,
    spec: {
      metrics: [loss, speed],
      outcomes: [
        { metric: speed.name, comparison: ">=", limit: 2_700 },
        { metric: "eval/loss", comparison: "<", limit: 1.45 },
      ],
    },
  },
  "limits that one keeps": { spec: { outcomes: [{ metric: speed.name, comparison: ">=", limit: 2_985 }] } },
  "limits that nothing keeps": {
    spec: { metrics: [loss, speed], outcomes: [{ metric: "eval/loss", comparison: "<=", limit: 0.5 }] },
  },
  "limits that nobody reports": { spec: { outcomes: [{ metric: "latency", comparison: "<=", limit: 20 }] } },
  "40 trials": { trials: [...quickstartTrials(3), ...quickstartTrials(4), ...quickstartTrials(6)] },
}

const text = (markup: string): string =>
  markup
    .replace(/<svg.*?<\/svg>/gs, "")
    .replace(/<[^>]+>/g, "")
    .replaceAll("&gt;", ">")
    .replaceAll("&lt;", "<")
    .replaceAll("\u00a0", " ")
    .replace(/\s+/g, " ")

/** Of the one language: a span of the other goes, with what is in it. */
const inLanguage = (markup: string, other: "en" | "zh"): string =>
  text(
    markup.replace(
      new RegExp(`<span lang="${other}"[^>]*>(?:(?!<span|</span>).|<span(?:(?!</span>).)*</span>)*</span>`, "gs"),
      "",
    ),
  )

const section = (page: string, id: string): string =>
  new RegExp(`<section id="${id}".*?</section>`, "s").exec(page)?.[0] ?? ""

const numbersIn = (sentence: string): ReadonlyArray<string> =>
  Array.from(sentence.matchAll(/\d+(?:[.,]\d+)*(?:e-?\d+)?/g), ([number]) => number).sort()

describe.each(Object.entries(sweeps))("the report of %s", (_, options) => {
  it("agrees with itself", async () => {
    const results = fixture(options)
    const page = await renderReport(results, { runtime: "0" })
    const answer = answerOf(results.sweep, results.at)!
    const markup = section(page, "answer")
    const en = inLanguage(markup, "zh")
    const zh = inLanguage(markup, "en")

    // Best: headline, board and the block to copy.
    expect(en).toContain(
      answer.best.feasible
        ? `Trial ${answer.best.trial} is best`
        : `Trial ${answer.best.trial} comes nearest to the limits`,
    )
    expect(zh).toContain(`第 ${answer.best.trial} 号试验${answer.best.feasible ? "最佳" : "最接近限制"}`)
    expect(en.includes("is best")).toBe(answer.best.feasible)
    expect(/<tr data-trial="(\d+)"/.exec(section(page, "board"))![1]).toBe(String(answer.best.trial))
    expect(en).toContain(`# ${results.sweep.id}/${answer.best.trial} ·`)

    // Epochs: the block to copy, the headline and the sentence say the advised number; overfit epochs stand nowhere to copy.
    const copied = /epochs: (\d+)(?: batch_size|$| )/.exec(text(/<pre.*?<\/pre>/s.exec(markup)?.[0] ?? en))![1]
    const { shorter } = answer.next
    const said = shorter !== null && answer.best.feasible
    expect(copied).toBe(String(answer.next.parameters["epochs"]))
    for (const said of [en, zh]) {
      const all = new Set(Array.from(said.matchAll(/epochs: (\d+)/g), ([, epochs]) => epochs))
      expect([...all]).toEqual([copied])
    }
    const best = results.sweep.trials.get(answer.best.trial as never)!
    const asked = best.parameters["epochs"] as number
    if (best.verdict?.kind === "overfitting") {
      expect(Number(copied)).toBeLessThanOrEqual(asked)
      expect(Number(copied)).toBe(Math.max(1, Math.ceil((asked * best.verdict.sinceStep!) / best.lastStep!)))
      expect(en).toContain(`checkpoint at step ${best.verdict.sinceStep!.toLocaleString("en").replace(/,/g, "")}`)
    }
    // What the diagnosis of the same trial advises is no other number.
    const row = new RegExp(`data-trial="${answer.best.trial}".*?</(?:li|article|details)>`, "s").exec(
      section(page, "diagnosis"),
    )
    for (const [, epochs] of text(row?.[0] ?? "").matchAll(/epochs: (\d+) is enough/g)) expect(epochs).toBe(copied)
    expect(shorter === null).toBe(Number(copied) === asked)
    expect(/run it with epochs/.test(en)).toBe(said)

    // The verdict at the best is the one in its row of the board.
    const badge = (markup: string) => /class="badge ([a-z]+)/.exec(markup)?.[1]
    const [, bestRow] = /<tr data-trial="\d+"([^]*?)<\/tr>/.exec(section(page, "board"))!
    expect(badge(markup)).toBe(badge(bestRow!))
    if (best.verdict !== null && best.verdict.kind !== "healthy") expect(badge(markup)).toBe(best.verdict.kind)

    // Limits: as many configurations as there are, the best keeps them or it is said that nothing does, and nobody who breaks
    // one is named as nearly as good.
    const sets = configurationsOf(results.sweep.trials.values(), results.sweep.spec)
    for (const { kept, broken, unknown, constraint } of answer.constraints) {
      expect(kept + broken + unknown).toBe(sets.length)
      expect(en).toContain(`${constraint.metric} ${constraint.comparison} ${constraint.limit}`)
      expect(en).toMatch(new RegExp(`${kept} configurations? keeps? it, ${broken} breaks? it`))
      if (answer.best.feasible) expect(kept).toBeGreaterThan(0)
    }
    expect(en.includes("No configuration keeps every limit")).toBe(!answer.best.feasible)
    const feasible = new Set(
      sets.flatMap(({ violation, trials }) => (violation === 0 ? trials.map(({ number }) => number as number) : [])),
    )
    expect(feasible.has(answer.best.trial)).toBe(answer.best.feasible)
    const named = [
      ...(answer.runnerUp?.trials ?? []),
      ...(answer.certainty?.rivals ?? []),
      ...Array.from(en.matchAll(/Trial (\d+) reached/g), ([, number]) => Number(number)),
    ]
    for (const number of named) expect(feasible.has(number)).toBe(true)
    const compared = /Of the (\d+) configurations/.exec(en)?.[1]
    if (compared !== undefined) expect(Number(compared)).toBe(sets.filter(({ violation }) => violation === 0).length)

    // The front: the same members in the answer and the table, and the best among them.
    const frontMarkup = section(page, "front")
    expect(frontMarkup === "").toBe(answer.front === null)
    if (answer.front !== null) {
      const rows = Array.from(frontMarkup.matchAll(/<tr data-trial="(\d+)"/g), ([, number]) => Number(number))
      expect(rows).toEqual(answer.front.members.map(({ trial }) => trial))
      expect(rows[0]).toBe(answer.best.trial)
      expect(answer.front.members[0]!.values[0]).toBe(answer.best.value)
      expect(rows.every((number) => feasible.has(number))).toBe(true)
      expect(inLanguage(frontMarkup, "zh")).toContain(`${rows.length} of ${answer.front.compared} configuration`)
      expect(numbersIn(inLanguage(frontMarkup, "en"))).toEqual(numbersIn(inLanguage(frontMarkup, "zh")))
    }

    // The gap: one size, in words, never with a sign.
    const figures = text(/<dl class="figures">.*?<\/dl>/s.exec(markup)![0])
    if (answer.runnerUp !== null && answer.runnerUp.behind > 0) {
      const figure = /([\d.e-]+) better than the runner-up/.exec(figures)![1]!
      expect(en).toMatch(new RegExp(`\\(${figure.replace(".", "\\.")}(?: or [\\d.]+ %)? worse\\)`))
      expect(zh).toContain(`差 ${figure}`)
    }
    expect(`${figures}${en}`).not.toMatch(/[+−]\d/)

    // Probability and cost: one each.
    const chances = Array.from(en.matchAll(/truly the best one with a probability of (>? ?<? ?\d+ %)/g), ([, p]) => p)
    expect(chances).toHaveLength(answer.certainty === null ? 0 : 1)
    expect(en).toContain(`took ${duration(answer.cost.best).replaceAll("\u00a0", " ")}`)
    expect(figures).toContain(`${duration(answer.cost.best).replaceAll("\u00a0", " ")} of training`)
    if (answer.certainty?.level !== "clear") expect(en).not.toContain("a clear answer")

    // Both languages say the same numbers.
    expect(numbersIn(zh.replace("1 个 CPU", "one CPU"))).toEqual(numbersIn(en))
  })
})
