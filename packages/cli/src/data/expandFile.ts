// More examples like those of a file, from any OpenAI-compatible endpoint: a few of the examples are shown, new ones are
// asked for (self-instruct, arXiv 2212.10560). Owns the prompt, the check of what comes back and its deduplication; an
// interrupted run is continued, because every accepted example is written at once, with where it comes from.
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs"
import { createHash } from "node:crypto"
import { dirname } from "node:path"
import { defectsIn } from "@sweep/sweepfile/checkRecord"
import { exampleOf, inForm } from "@sweep/sweepfile/example"
import type { DataRecord } from "@sweep/sweepfile/forms"
import { formOfFile } from "./checkFile.ts"
import { readRecords } from "./readRecords.ts"

export interface Seed {
  readonly number: number
  readonly instruction: string
  readonly input: string
  readonly output: string
}

export interface ExpandOptions {
  readonly endpoint: string
  readonly model: string
  readonly key: string | null
  readonly to: number
  readonly target: string
  readonly perRequest: number
  readonly seed: number
  readonly temperature: number
  /** Told after every request. */
  readonly onProgress: (have: number, refused: number) => void
}

/** Shown of the file in each request. */
const shots = 3
/** Questions that share this share of their words are the same. */
const tooAlike = 0.7
/** Requests in a row that bring nothing new. */
const fruitless = 8
const timeoutMillis = 120_000

export const readSeeds = async (path: string): Promise<ReadonlyArray<Seed>> => {
  const form = await formOfFile(path)
  if (form !== "alpaca" && form !== "openai" && form !== "sharegpt")
    throw new Error(
      `${path} is ${form ?? "of no form that is known"}: examples with one question and one answer can be expanded`,
    )
  const seeds: Array<Seed> = []
  for await (const { number, value } of readRecords(path)) {
    if (value === undefined || defectsIn(value, form).length > 0) continue
    const record = inForm(exampleOf(value as DataRecord, form), "alpaca")
    if (record === undefined || record["history"] !== undefined) continue
    seeds.push({ number, instruction: String(record["instruction"]), input: "", output: String(record["output"]) })
  }
  if (seeds.length === 0) throw new Error(`${path} has no example with one question and one answer`)
  return seeds
}

/** Words, or characters where a language writes none. */
const parts = (text: string): ReadonlySet<string> =>
  new Set(text.toLowerCase().match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+/gu) ?? [])

const alike = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => {
  let shared = 0
  for (const part of a) if (b.has(part)) shared++
  return shared / Math.max(1, a.size + b.size - shared) >= tooAlike
}

const promptOf = (examples: ReadonlyArray<Seed>, count: number): string =>
  `Write ${count} new examples for training an assistant. They are of the same kind, language and style as these, about other things, and correct.\n\n${examples
    .map(({ instruction, output }) => JSON.stringify({ instruction, output }))
    .join("\n")}\n\nAnswer with ${count} lines, each one JSON object with "instruction" and "output", and nothing else.`

/** Requests and tokens it takes, about: what is told before any is made. */
export const costOf = (seeds: ReadonlyArray<Seed>, missing: number, perRequest: number) => {
  const mean =
    seeds.reduce((sum, { instruction, output }) => sum + instruction.length + output.length, 0) / seeds.length / 4
  // A fifth of what comes back is not taken.
  const requests = Math.ceil((1.25 * missing) / perRequest)
  return {
    requests,
    promptTokens: Math.round(requests * (80 + shots * (mean + 15))),
    completionTokens: Math.round(requests * perRequest * (mean + 15)),
  }
}

const draw = (seed: number, round: number, count: number, of: number): ReadonlyArray<number> => {
  const chosen = new Set<number>()
  for (let i = 0; chosen.size < Math.min(count, of); i++) {
    chosen.add(createHash("sha256").update(`${seed} ${round} ${i}`).digest().readUInt32BE(0) % of)
  }
  return Array.from(chosen)
}

/** What was accepted before; a torn last line is taken off. */
const resumeFrom = (target: string): ReadonlyArray<{ readonly instruction: string; readonly round: number }> => {
  if (!existsSync(target)) return []
  const text = readFileSync(target, "utf8")
  const whole = text.slice(0, text.lastIndexOf("\n") + 1)
  if (whole.length < text.length) truncateSync(target, Buffer.byteLength(whole))
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const record = JSON.parse(line) as { instruction?: unknown; provenance?: { round?: unknown } }
      return { instruction: String(record.instruction), round: Number(record.provenance?.round ?? 0) }
    })
}

export const haveAlready = (target: string): number => resumeFrom(target).length

const ask = async (options: ExpandOptions, prompt: string, round: number): Promise<string> => {
  const url = `${options.endpoint.replace(/\/+$/, "")}/chat/completions`
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(options.key === null ? {} : { authorization: `Bearer ${options.key}` }),
      },
      body: JSON.stringify({
        model: options.model,
        messages: [{ role: "user", content: prompt }],
        temperature: options.temperature,
        seed: options.seed + round,
      }),
      signal: AbortSignal.timeout(timeoutMillis),
    }).catch((error: unknown) => {
      throw new Error(`${url} cannot be reached: ${String((error as Error).cause ?? error)}`)
    })
    if (response.ok) {
      const body = (await response.json()) as { choices?: ReadonlyArray<{ message?: { content?: unknown } }> }
      const content = body.choices?.[0]?.message?.content
      if (typeof content !== "string") throw new Error(`${url} answered without choices[0].message.content`)
      return content
    }
    const busy = response.status === 429 || response.status >= 500
    if (!busy || attempt === 4) {
      throw new Error(`${url} answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt))
  }
}

const examplesIn = (content: string): ReadonlyArray<{ readonly instruction: string; readonly output: string }> =>
  content.split("\n").flatMap((line) => {
    const start = line.indexOf("{")
    const end = line.lastIndexOf("}")
    if (start === -1 || end < start) return []
    try {
      const value = JSON.parse(line.slice(start, end + 1)) as { instruction?: unknown; output?: unknown }
      const { instruction, output } = value
      return typeof instruction === "string" && typeof output === "string" ? [{ instruction, output }] : []
    } catch {
      return []
    }
  })

/** Appends to the target until it has `to` examples; how many it has then, and how many were not taken. */
export const expandFile = async (seeds: ReadonlyArray<Seed>, options: ExpandOptions) => {
  mkdirSync(dirname(options.target), { recursive: true })
  const before = resumeFrom(options.target)
  const known = [...seeds, ...before].map(({ instruction }) => parts(instruction))
  let have = before.length
  let refused = 0
  let empty = 0
  for (let round = Math.max(0, ...before.map((one) => one.round)) + 1; have < options.to; round++) {
    const shown = draw(options.seed, round, shots, seeds.length).map((i) => seeds[i]!)
    const count = Math.min(options.perRequest, options.to - have)
    const content = await ask(options, promptOf(shown, count), round)
    let taken = 0
    for (const { instruction, output } of examplesIn(content)) {
      if (have >= options.to) break
      const record = { instruction, input: "", output }
      const words = parts(instruction)
      if (defectsIn(record, "alpaca").length > 0 || known.some((other) => alike(words, other))) {
        refused++
        continue
      }
      known.push(words)
      const provenance = {
        endpoint: options.endpoint,
        model: options.model,
        round,
        shown: shown.map(({ number }) => number),
      }
      appendFileSync(options.target, `${JSON.stringify({ ...record, provenance })}\n`)
      have++
      taken++
    }
    options.onProgress(have, refused)
    empty = taken === 0 ? empty + 1 : 0
    if (empty === fruitless) {
      throw new Error(
        `${fruitless} answers in a row held nothing new: ${have} of ${options.to} examples are in ${options.target}. Raise --temperature, or give more examples to begin with; the same command resumes from there`,
      )
    }
  }
  return { have, refused }
}
