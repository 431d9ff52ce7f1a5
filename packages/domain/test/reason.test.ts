import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { type Reason, said, StoredReason } from "../src/reason/Reason.ts"
import { type Language, reasonCatalogues, reasonSentence } from "../src/reason/reasonSentence.ts"
import { Origin, originText, StoredOrigin } from "../src/trial/Origin.ts"
import { TrialNumber } from "../src/Id.ts"
import { Fact, isOlderFact } from "../src/sweep/Fact.ts"
import { exampleReasons } from "./exampleReasons.ts"

const languages: ReadonlyArray<Language> = ["en", "zh"]
const examples = exampleReasons({ count: 3, value: 0.123456 })

describe("reasons", () => {
  it.each(languages)("has a sentence for every code (%s)", (language) => {
    expect(new Set(examples.map(({ _tag }) => _tag))).toEqual(new Set(Object.keys(reasonCatalogues[language])))
    const sentences = examples.map((reason) => reasonSentence(reason, language))
    for (const sentence of sentences) expect(sentence).not.toMatch(/undefined|NaN|\[object|\{|^$/)
    expect(sentences).toMatchSnapshot()
  })

  it("says every argument in both languages", () => {
    // Two sentences of one code that differ in an argument differ in both languages.
    const other = exampleReasons({ count: 4, value: 0.5 })
    for (const [i, reason] of examples.entries()) {
      if (JSON.stringify(reason) === JSON.stringify(other[i])) continue
      for (const language of languages) {
        expect(reasonSentence(other[i]!, language), reason._tag).not.toBe(reasonSentence(reason, language))
      }
    }
  })

  it("counts one as one", () => {
    const single = exampleReasons({ count: 1, value: null }).map((reason) => reasonSentence(reason))
    for (const sentence of single) expect(sentence).not.toMatch(/(?<![\d.])1 (?!s\b|is\b)\w+s\b/)
    expect(single).toContain("its budget of 1 GPU hour is used")
    expect(single).toContain("no improvement on not a number in the last 1 value")
    expect(reasonSentence({ _tag: "TrialsSpent", trials: 2 })).toBe("its budget of 2 trials is used")
    expect(reasonSentence({ _tag: "TrialsSpent", trials: 1 }, "zh")).toBe("1 次试验的预算已用完")
  })

  it.each(["epoch", "step", "seconds"] as const)("names the point in %s", (resource) => {
    const reason = exampleReasons({ count: 3, value: 1, resource }).find(({ _tag }) => _tag === "BehindAtRung")!
    expect(reasonSentence(reason)).toContain({ epoch: "epoch 2.5", step: "step 2.5", seconds: "second 2.5" }[resource])
    expect(reasonSentence(reason, "zh")).toContain({ epoch: "2.5 轮", step: "2.5 步", seconds: "2.5 秒" }[resource])
  })

  it("leaves out a step that nobody knows", () => {
    const judged: Reason = { _tag: "Judged", verdict: "diverged", sinceStep: null }
    expect(languages.map((language) => reasonSentence(judged, language))).toEqual(["diverged", "发散"])
  })

  it("shows a code of a newer version as it is", () => {
    expect(reasonSentence({ _tag: "FromTomorrow" } as never, "zh")).toBe("FromTomorrow")
  })

  it("survives being stored", () => {
    for (const reason of examples) {
      const stored = JSON.parse(JSON.stringify(Schema.encodeSync(StoredReason)(reason))) as unknown
      expect(Schema.decodeUnknownSync(StoredReason)(stored)).toEqual(reason)
    }
  })

  it("reads the sentences of older facts", () => {
    const decode = Schema.decodeUnknownSync(StoredReason)
    expect(decode("the host is gone")).toEqual(said("the host is gone"))
    expect(reasonSentence(decode("the host is gone"), "zh")).toBe("the host is gone")
    // An open trial has used up its retry.
    expect(decode("retried after a bug: it crashed")).toEqual({ _tag: "Retried", last: said("it crashed") })
  })
})

describe("origins", () => {
  const three = TrialNumber.make(3)
  const origins: ReadonlyArray<Origin> = [
    { _tag: "Sampler" },
    { _tag: "Enqueued" },
    { _tag: "Replica", of: three },
    { _tag: "Clone", of: three },
  ]

  it("reads what older facts say of each", () => {
    expect(origins.map(originText)).toEqual(["sampler", "enqueue", "replica of 3", "clone of 3"])
    for (const origin of origins) {
      expect(Schema.decodeUnknownSync(StoredOrigin)(originText(origin))).toEqual(origin)
      expect(Schema.decodeUnknownSync(StoredOrigin)(Schema.encodeSync(StoredOrigin)(origin))).toEqual(origin)
    }
  })
})

describe("older facts", () => {
  /** Every field of a fact that takes a reason or an origin takes a text, too. */
  // What is said of an order to an agent are a user's own words.
  const kinds = (Object.keys(Fact.cases) as ReadonlyArray<Fact["_tag"]>).filter((kind) => kind !== "AgentOrdered")

  it.each(kinds)("%s is known as one by its text", (kind) => {
    const fields = Fact.cases[kind].fields as Readonly<Record<string, unknown>>
    const coded = Object.keys(fields).filter((name) => ["reason", "cause", "rule", "message", "origin"].includes(name))
    expect(coded.length).toBeLessThanOrEqual(1)
    for (const name of coded) expect(isOlderFact({ _tag: kind, [name]: "a text" } as never)).toBe(true)
    expect(
      isOlderFact({ _tag: kind, reason: said("a code"), message: said(""), cause: said(""), rule: said("") } as never),
    ).toBe(false)
  })
})
