// Every sentence of an answer against every other one, over sweeps of many kinds and in both languages: the best trial,
// what is advised, epochs, the gap to the runner-up, probabilities and cost stand in several places, and no two may
// disagree.
import { describe, expect, it } from "vitest"
import { answerOf } from "@sweep/diagnosis/answer"
import { duration } from "../src/Format.ts"
import { renderReport } from "../src/renderReport.ts"
import { fixture, type FixtureOptions, quickstartTrials } from "./fixture.ts"

const good = { rank: 8, alpha: 32, learning_rate: 8e-4, epochs: 4, batch_size: 16 }
const hot = { rank: 32, alpha: 64, learning_rate: 1.2e-2, epochs: 16, batch_size: 16 }

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
    expect(en).toContain(`Trial ${answer.best.trial} is best`)
    expect(zh).toContain(`第 ${answer.best.trial} 号试验最佳`)
    expect(/<tr data-trial="(\d+)"/.exec(section(page, "board"))![1]).toBe(String(answer.best.trial))
    expect(en).toContain(`# ${results.sweep.id}/${answer.best.trial} ·`)

    // Epochs: the block to copy, the headline and the sentence say the advised number; overfit epochs stand nowhere to copy.
    const copied = /epochs: (\d+)(?: batch_size|$| )/.exec(text(/<pre.*?<\/pre>/s.exec(markup)?.[0] ?? en))![1]
    const { shorter } = answer.next
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
