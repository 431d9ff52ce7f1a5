// The page as text: nothing that people, trainers or models wrote becomes markup, and every shape of a sweep renders.
import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepResults } from "@sweep/domain/SweepResults"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { Verdict } from "@sweep/domain/Verdict"
import { said } from "@sweep/domain/Reason"
import { parameterValue } from "../src/Format.ts"
import { plain } from "../src/Html.ts"
import { renderReport } from "../src/renderReport.ts"
import { fixture, type FixtureOptions, quickstartTrials } from "./fixture.ts"

const render = (results: SweepResults, runtime = "0") => renderReport(results, { runtime })

/** The page without its two scripts and its style. */
const markupOf = (page: string) => page.replace(/<script[^>]*>.*?<\/script>/gs, "").replace(/<style>.*?<\/style>/s, "")

/** What a reader sees of it, one line. */
const textOf = (markup: string) =>
  markup
    .replace(/<svg.*?<\/svg>/gs, " ")
    .replace(/<[^>]+>/g, "")
    .replace(/[\s\u00a0]+/g, " ")

const sectionOf = (page: string, id: string) =>
  textOf(new RegExp(`<section id="${id}".*?</section>`, "s").exec(page)![0])

const hostile = `</script><script>alert(1)</script><img src=x onerror="alert(2)"> ' " \` \u202egnp.exe \u2028 \u001b[31m javascript:alert(3) \${alert(4)} مرحبا`

const hostileSweep = (): SweepResults => {
  const parameters: Parameters = { [hostile]: hostile, rank: 8 }
  const results = fixture({
    answers: [hostile, hostile, hostile],
    spec: {
      name: "x",
      description: hostile,
      model: hostile,
      probes: [{ instruction: hostile, input: hostile, system: hostile, max_new_tokens: 1 }],
      source: { path: `/tmp/${hostile}.yaml`, text: hostile },
    },
    trials: [
      { parameters },
      { parameters: { ...parameters, [hostile]: "b", rank: 16 } },
      { parameters: { ...parameters, [hostile]: `${hostile}2` } },
      { parameters, end: "stopped" },
      { parameters, end: "failed", failure: { class: "bug", message: said(hostile), detail: hostile } },
    ],
  })
  const trial = TrialNumber.make(1)
  const trials = new Map(results.sweep.trials)
  const verdict = new Verdict({
    kind: "overfitting",
    sinceStep: 50,
    evidence: [{ criterion: hostile, statement: hostile, value: 1, threshold: 2, holds: true }],
    advice: [hostile],
  })
  trials.set(trial, { ...trials.get(trial)!, verdict, stopReason: said(hostile) })
  return { ...results, sweep: { ...results.sweep, trials, reason: said(hostile), versions: { [hostile]: hostile } } }
}

describe("escaping", () => {
  it("keeps hostile text as text everywhere", async () => {
    const results = hostileSweep()
    const logs = new Map([[TrialNumber.make(5), hostile]])
    const page = await renderReport(results, { runtime: "0", versions: { sweep: hostile }, logs })
    // Two scripts of ours, and no more.
    expect(page.match(/<script/gi)).toHaveLength(2)
    expect(page.match(/<\/script/gi)).toHaveLength(2)
    const markup = markupOf(page)
    expect(markup).not.toMatch(/<img/i)
    expect(markup).not.toContain("\u202e")
    expect(page).not.toContain("\u001b")
    // No attribute of an event, and links only within the page.
    const tags = markup.match(/<[a-z][^>]*>/gi)!
    for (const tag of tags) {
      const bare = tag.replace(/"[^"]*"/g, '""')
      expect(bare).not.toMatch(/\son\w+\s*=/i)
      expect(bare).not.toMatch(/['`]/)
    }
    for (const [, target] of markup.matchAll(/\b(?:href|src|action|formaction)="([^"]*)"/g)) {
      expect(target).toMatch(/^(?:#|data:,$)/)
    }
    // It is there, as text.
    expect(textOf(markup)).toContain("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;")
  })

  it("keeps data in its script", async () => {
    const page = await render(hostileSweep())
    const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)![1]!
    expect(json).not.toMatch(/[<>\u2028\u2029]/)
    const data = JSON.parse(json) as { trials: ReadonlyArray<{ parameters: ReadonlyArray<[string, unknown]> }> }
    expect(data.trials.flatMap((trial) => trial.parameters.map(([name]) => name))).toContain(plain(hostile))
  })

  it("allows exactly the script it carries", async () => {
    const page = await render(fixture(), 'const a = "</script>"; const b = "<!--";\r\n')
    const policy = /Content-Security-Policy"\s+content="([^"]*)"/.exec(page)![1]!
    const script = /<script>(.*?)<\/script>/s.exec(page)![1]!
    const digest = createHash("sha256").update(script).digest("base64")
    expect(policy).toContain(`script-src &#39;sha256-${digest}&#39;`)
    expect(policy).toContain("default-src &#39;none&#39;")
    expect(policy).not.toContain("unsafe-eval")
    expect(script).toBe('const a = "<\\/script>"; const b = "<\\!--";\n')
  })

  it("names no other place", async () => {
    const markup = markupOf(await render(fixture()))
    const places = [...markup.matchAll(/https?:\/\/[^"'\s<]+/g)].map(([place]) => place)
    // The names of XML's namespaces are no addresses.
    expect(new Set(places)).toEqual(new Set(["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"]))
  })
})

const constant: Parameters = { rank: 8, alpha: 16, learning_rate: 1e-3, epochs: 2 }
const failure = { class: "data", message: said("record 12 has no output"), detail: null } as const

describe("sweeps of every shape", () => {
  it("says why it ended, what was reused and where the search began", async () => {
    const results = fixture()
    const second = TrialNumber.make(2)
    const trials = new Map(results.sweep.trials)
    const from = { sweep: SweepId.make("earlier"), trial: TrialNumber.make(7) }
    trials.set(second, { ...trials.get(second)!, reusedFrom: from })
    const learned = [{ ...from, parameters: {}, outcome: "completed" as const, objective: 1, values: {} }]
    const spec = new SweepSpec({ ...results.sweep.spec, warmStart: [from.sweep], learned })
    const page = await render({
      ...results,
      sweep: { ...results.sweep, spec, trials, reason: said("its budget is used") },
    })
    const text = textOf(markupOf(page))
    expect(text).toContain("finished: its budget is used")
    expect(text).toContain("1 trial did not run: the same run in an earlier sweep stands for it.")
    expect(text).toContain("The search began with 1 result of earlier.")
    expect(sectionOf(page, "board")).toContain("reused from earlier/7")
  })

  it("says which trials resumed from shorter ones, and what that saved", async () => {
    const results = fixture()
    const shared = { shared_steps: 30, shared_from: TrialNumber.make(2) }
    const details = results.details.map((one) =>
      one.trial === 5 && one.started !== null ? { ...one, started: { ...one.started, ...shared } } : one,
    )
    const page = await render({ ...results, details })
    const all = details.reduce((sum, { started, finished }) => sum + (finished?.step ?? started?.total_steps ?? 0), 0)
    expect(sectionOf(page, "answer")).toContain(
      `1 trial resumed from a shorter one: 30 of ${all.toLocaleString("en")} optimiser steps were not trained twice.`,
    )
    expect(sectionOf(page, "board")).toContain("resumed from #2 at step 30")
    expect(page).toContain("1 次试验接续了较短的试验")
  })

  const page = async (options: FixtureOptions) => render(fixture(options))

  it("says what is best, against what, and how sure", async () => {
    const text = sectionOf(await page({}), "answer")
    expect(text).toContain("Trial 5 is best")
    expect(text).toContain("The untouched base model has 2.910: training made it 53 % better.")
    expect(text).toContain("The runner-up, trial 13, reached 1.376 (0.0073 or 0.5 % worse).")
    expect(text).toContain("Trial 5 took 2 min 49 s on one CPU")
    expect(text).toMatch(
      /Of the 13 configurations that ran it is truly the best one with a probability of \d+ %: an open race\./,
    )
    expect(text).toContain("Nothing ran twice; judged by how much trials with similar parameters differ")
    expect(text).toContain("learning_rate: 0.0007828715162898903")
  })

  it("has no trials", async () => {
    const html = await page({ trials: [] })
    expect(sectionOf(html, "answer")).toContain("No trial has a result yet")
    expect(sectionOf(html, "curves")).toContain("No trial has reported a curve yet.")
  })

  it("has only trials that wait or run", async () => {
    const html = await page({
      trials: [
        { parameters: constant, end: "running" },
        { parameters: { ...constant, rank: 4 }, end: "pending" },
      ],
    })
    expect(textOf(html)).toContain("2 trials have not ended yet; what follows may change.")
    expect(sectionOf(html, "answer")).toContain("No trial has a result yet")
    expect(sectionOf(html, "board")).toContain("0 of 2 trials ranked")
  })

  it("has one trial", async () => {
    const html = await page({ trials: [{ parameters: constant }] })
    expect(sectionOf(html, "answer")).toContain("It is the only trial with a result.")
    expect(sectionOf(html, "answer")).not.toContain("How sure?")
    expect(sectionOf(html, "parameters")).toContain("nothing to compare")
    expect(sectionOf(html, "board")).toContain("rank: 8 alpha: 16 learning_rate: 1e-3 epochs: 2")
  })

  it("is led by a trial that was stopped, and one that overfits", async () => {
    const stopped = await page({
      trials: [{ parameters: { ...constant, epochs: 8 }, end: "stopped" }, { parameters: { ...constant, epochs: 1 } }],
    })
    expect(sectionOf(stopped, "answer")).toContain("It was stopped early (hyperband: behind at epoch 2)")
    const overfits = await page({ trials: [{ parameters: { ...constant, learning_rate: 1e-2, epochs: 8 } }] })
    expect(sectionOf(overfits, "answer")).toMatch(/Run it with epochs: \d instead of 8: beyond that it overfits/)
  })

  it("has only failures", async () => {
    const html = await page({
      trials: [
        { parameters: constant, end: "failed", failure },
        { parameters: { ...constant, rank: 4 }, end: "failed", failure },
      ],
    })
    expect(sectionOf(html, "answer")).toContain("Both trials failed")
    expect(sectionOf(html, "failures")).toContain("Data数据问题 2")
    expect(sectionOf(html, "failures")).toContain("record 12 has no output")
  })

  it("maximises", async () => {
    const text = sectionOf(await page({ maximise: true }), "answer")
    expect(text).toContain("eval token accuracy")
    expect(text).toMatch(/training made it \d+ % better/)
    expect(text).toMatch(/reached 0\.\d+ \([\d.]+ or [\d.]+ % worse\)/)
  })

  it("runs replicas", async () => {
    const trials = [constant, constant, { ...constant, rank: 32 }, { ...constant, rank: 32 }, constant]
    const whole = await page({ trials: trials.map((parameters) => ({ parameters })) })
    const text = sectionOf(whole, "answer")
    const board = sectionOf(whole, "board")
    expect(board).toContain("ranked by the mean eval loss of all runs with their parameters")
    expect(board).toMatch(/Mean of runs/)
    // The runs of one set stand together, those of the best set first.
    const order = Array.from(whole.matchAll(/<tr data-trial="(\d)"/g), ([, trial]) => ["3", "4"].includes(trial!))
    expect(order.join()).toBeOneOf(["true,true,false,false,false", "false,false,false,true,true"])
    expect(text).toMatch(/eval loss, mean of \d runs/)
    expect(text).toMatch(/The runner-up, trials [\d, ]+, reached [\d.]+ on average/)
    expect(text).toMatch(
      /Of the 2 configurations that ran it is truly the best one with a probability of (?:&gt; )?\d+ %/,
    )
    expect(text).toMatch(/Runs of the same parameters differ by about [\d.]+/)
    expect(text).not.toContain("Nothing ran twice")
  })

  it("has 120 trials and long names", async () => {
    const random = quickstartTrials(3)
    const name = "optimizer.adamw.second_moment_decay_beta2"
    const trials = Array.from({ length: 120 }, (_, index) => {
      const one = random[index % random.length]!
      return {
        ...one,
        parameters: { ...one.parameters, learning_rate: 1e-4 * 1.03 ** index, [name]: 0.9 + index / 2_000 },
      }
    })
    const html = await page({ trials, pointsPerEpoch: 100 })
    expect(html.length).toBeLessThan(3_000_000)
    expect(sectionOf(html, "curves")).toContain("The 100 best of 120 trials are drawn.")
    expect(html.match(/<tr data-trial/g)).toHaveLength(120)
  })

  it("has losses that are not finite, and a trial far off", async () => {
    const results = fixture()
    const curves = results.curves.map((curve, index) => ({
      ...curve,
      points: curve.points.map((point, at) =>
        index === 0 && at > 2
          ? { ...point, value: 1e9 }
          : index === 2 && at > 1
            ? { ...point, value: Number.NaN }
            : point,
      ),
    }))
    const html = await render({ ...results, curves })
    expect(html).not.toMatch(/NaN/)
    expect(sectionOf(html, "curves")).toContain("far off lie outside of the frame")
  })

  it("shows what noise reduction kept, of the trials that had it", async () => {
    const results = fixture()
    expect(await render(results)).not.toContain('id="retained"')
    const best = results.details.find(({ finished }) => finished !== null)!
    const layers = [
      { module: "layers.0.q_proj", rank: 8, kept: 5, similarity: 0.5 },
      { module: "layers.0.v_proj", rank: 8, kept: 8, similarity: null },
    ]
    const values = { before: { "eval/loss": 1.5 }, after: { "eval/loss": "NaN" as const } }
    const post = { seq: 9, at: best.finished!.at, type: "post", post: "norm", ...values, layers } as const
    const details = results.details.map((one) => (one === best ? { ...one, post } : one))
    const section = sectionOf(await render({ ...results, details }), "retained")
    expect(section).toMatch(/keeps 13 of 16 ranks; eval loss 1\.50* before, ∞ after/)
    expect(section).toContain("layers.0.v_proj")
  })

  it("shows who resumed from whom in a population", async () => {
    expect(await render(fixture())).not.toContain('id="lineage"')
    const results = fixture()
    const trials = new Map(results.sweep.trials)
    const [one, two] = [TrialNumber.make(1), TrialNumber.make(2)]
    const parent = trials.get(two)!
    const rate = parent.parameters["learning_rate"] as number
    trials.set(one, {
      ...trials.get(one)!,
      parameters: { ...parent.parameters, learning_rate: 0.0125 },
      lineage: [
        {
          trial: two,
          epoch: parent.epoch!,
          step: 1_200,
          after: null,
          replaced: { ...parent.parameters, learning_rate: 0.0001 },
          reason: said("it was last"),
        },
      ],
    })
    const page = await render({ ...results, sweep: { ...results.sweep, trials } })
    const section = sectionOf(page, "lineage")
    expect(section).toContain("Once a member of the population took over the weights of a better one")
    expect(section).toContain("种群成员共有 1 次接过更好成员的权重")
    expect(section).toContain("1,200 1 2")
    expect(section).toContain(`learning_rate ${parameterValue(rate)} → 0.0125 had ${parameterValue(0.0001)} before`)
    expect(textOf(page)).toContain("resumed from #2 at step 1,200")
    const best = results.sweep.trials.values().reduce((a, b) => ((b.objective ?? 9) < (a.objective ?? 9) ? b : a))
    trials.set(best.number, { ...best, lineage: trials.get(one)!.lineage })
    const answered = await render({ ...results, sweep: { ...results.sweep, trials } })
    expect(sectionOf(answered, "answer")).toContain("Its weights came by way of trial 2, with parameters that changed")
    expect(sectionOf(page, "answer")).not.toContain("Its weights came by way of")
  })

  it("compares variants, each with its own base, when there are several", async () => {
    expect(await render(fixture())).not.toContain('id="variants"')
    const trial = (variant: string, rank: number) => ({ parameters: { variant, rank, learning_rate: 1e-3, epochs: 2 } })
    const results = fixture({
      trials: [
        trial("lora", 4),
        trial("qlora", 8),
        trial("lora", 16),
        trial("lora+norm", 8),
        { ...trial("dora", 8), end: "failed" },
      ],
    })
    const curves = results.curves.map((curve) =>
      curve.trial === 2 && curve.metric === "eval/loss"
        ? { ...curve, points: curve.points.map((point) => (point.step === 0 ? { ...point, value: 3.5 } : point)) }
        : curve,
    )
    const details = results.details.map((one) =>
      one.trial === 4
        ? {
            ...one,
            post: {
              seq: 9,
              at: one.finished!.at,
              type: "post" as const,
              post: "norm",
              before: { "eval/loss": 1.5 },
              after: { "eval/loss": 1.25 },
            },
          }
        : one,
    )
    const section = sectionOf(await render({ ...results, curves, details }), "variants")
    const cells = /lora 3 [\d.]+ 2\.910 −[\d.]+ 49,152 4\.7 % \d+ MB [\d,]+/
    expect(section).toMatch(cells)
    expect(section).toMatch(/qlora 2 [\d.]+ 3\.500 −/)
    expect(section).toMatch(/lora\+norm 4 [\d.]+1\.250 after noise reduction/)
    expect(section).toMatch(/Without a result:没有结果： dora/)
  })

  it("was trained by a command without model, data, curves or details", async () => {
    const file = { path: "", sha256: "", bytes: 0, records: 0 }
    const results = fixture({ spec: { model: "", data: { train: file, eval: file }, trainer: "command", probes: [] } })
    const html = await render({ ...results, curves: [], details: [], attempts: [] })
    expect(sectionOf(html, "samples")).toContain("has no probes")
    expect(sectionOf(html, "reproduce")).not.toContain("Train训练集")
    expect(sectionOf(html, "board")).not.toContain("Peak memory")
  })
})
