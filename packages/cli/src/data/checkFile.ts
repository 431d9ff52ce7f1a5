// A data file from its first record to its last: defects by code with the records that have them, duplicates, overlap with
// an eval file, lengths, languages. Owns the pass, in memory that grows by 12 bytes a record; what is wrong with a single
// record is checkRecord's.
import { defectsIn, doubtful } from "@sweep/sweepfile/checkRecord"
import { exampleOf, lastAnswer, questionOf } from "@sweep/sweepfile/example"
import { type DataRecord, type Form, formOf } from "@sweep/sweepfile/forms"
import { HashTable } from "./HashTable.ts"
import { readRecords } from "./readRecords.ts"
import { countCjk, type TokenLengths } from "./tokenLengths.ts"

export interface Found {
  readonly record: number
  readonly line: number
  readonly field: string | null
  readonly found: string | null
}

export interface DefectGroup {
  readonly code: string
  readonly severity: "error" | "warning"
  readonly count: number
  /** The first `most` of them. */
  readonly records: ReadonlyArray<Found>
}

export interface DataReport {
  readonly path: string
  readonly form: Form | null
  readonly records: number
  readonly usable: number
  readonly defects: ReadonlyArray<DefectGroup>
  readonly tokens: {
    readonly exact: boolean
    readonly median: number
    readonly p95: number
    readonly longest: number
    readonly total: number
    /** Examples by length: up to 16 tokens, up to 32 … */
    readonly histogram: ReadonlyArray<{ readonly upTo: number; readonly count: number }>
  }
  /** Shares of examples. */
  readonly languages: { readonly cjk: number; readonly mixed: number; readonly other: number }
  /** Tokens a Chinese, Japanese or Korean character takes; `null` without a tokenizer or such text. */
  readonly tokensPerCjk: number | null
}

const warnings = new Set([...doubtful, "same_question", "too_long", "question_in_eval"])
const batch = 256
const mostForms = 200

/** The form most of the first records have. */
export const formOfFile = async (path: string): Promise<Form | null> => {
  const counts = new Map<Form, number>()
  for await (const { number, value } of readRecords(path)) {
    const form = formOf(value)
    if (form !== undefined) counts.set(form, (counts.get(form) ?? 0) + 1)
    if (number >= mostForms) break
  }
  return Array.from(counts).sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}

export interface CheckOptions {
  readonly evalPath: string | null
  readonly maxLength: number
  readonly lengths: TokenLengths
  /** Records kept for each code. */
  readonly most: number
}

export const checkFile = async (path: string, options: CheckOptions): Promise<DataReport> => {
  const groups = new Map<string, { count: number; records: Array<Found> }>()
  const note = (code: string, found: Found) => {
    const group = groups.get(code) ?? { count: 0, records: [] }
    groups.set(code, group)
    group.count++
    if (group.records.length < options.most) group.records.push(found)
  }
  const form = await formOfFile(path)
  const examples = new HashTable()
  const questions = new HashTable()
  const histogram = new Map<number, number>()
  const languages = { cjk: 0, mixed: 0, other: 0 }
  let records = 0
  let usable = 0
  let longest = 0
  let total = 0
  const cjk = { characters: 0, tokens: 0 }
  let waiting: Array<{ readonly text: string; readonly record: number; readonly line: number; readonly cjk: number }> =
    []

  const measure = async () => {
    const tokens = await options.lengths.of(waiting.map(({ text }) => text))
    for (const [i, { text, record, line, cjk: wide }] of waiting.entries()) {
      const length = tokens[i]!
      const upTo = 2 ** Math.max(4, Math.ceil(Math.log2(Math.max(1, length))))
      histogram.set(upTo, (histogram.get(upTo) ?? 0) + 1)
      longest = Math.max(longest, length)
      total += length
      // Only where nearly all is such text are the tokens its own.
      if (wide > 0.8 * text.length) {
        cjk.characters += wide
        cjk.tokens += length
      }
      if (length > options.maxLength) note("too_long", { record, line, field: null, found: `${length} tokens` })
    }
    waiting = []
  }

  for await (const { number, line, value, problem } of readRecords(path)) {
    records = number
    if (problem !== undefined) {
      note(problem.code, { record: number, line, field: null, found: problem.found })
      continue
    }
    if (form === null) {
      note("unknown_form", { record: number, line, field: null, found: JSON.stringify(value)?.slice(0, 60) ?? null })
      continue
    }
    const defects = defectsIn(value, form)
    for (const { code, field, found } of defects) note(code, { record: number, line, field, found })
    if (defects.some(({ code }) => !doubtful.has(code))) continue
    usable++
    const example = exampleOf(value as DataRecord, form)
    const question = questionOf(example)
    const answer = lastAnswer(example)
    const same = examples.firstOf(`${example.system}\0${question}\0${answer}`, number)
    const asked = form === "text" ? undefined : questions.firstOf(`${example.system}\0${question}`, number)
    if (same !== undefined) note("duplicate", { record: number, line, field: null, found: `record ${same}` })
    else if (asked !== undefined && form !== "kto" && form !== "preference")
      note("same_question", { record: number, line, field: null, found: `record ${asked}` })
    const text = [
      example.system,
      ...example.turns.map(({ content }) => content),
      ...(example.preference === undefined ? [] : [answer]),
      example.text ?? "",
    ].join("\n")
    const wide = countCjk(text)
    const letters = text.match(/\p{Script=Latin}/gu)?.length ?? 0
    if (wide > 3 * letters) languages.cjk++
    else if (wide > 0 && 4 * wide > letters) languages.mixed++
    else languages.other++
    waiting.push({ text, record: number, line, cjk: wide })
    if (waiting.length >= batch) await measure()
  }
  if (waiting.length > 0) await measure()

  if (options.evalPath !== null) {
    const evalForm = await formOfFile(options.evalPath)
    for await (const { number, line, value } of readRecords(options.evalPath)) {
      if (
        evalForm === null ||
        value === undefined ||
        defectsIn(value, evalForm).some(({ code }) => !doubtful.has(code))
      )
        continue
      const example = exampleOf(value as DataRecord, evalForm)
      const question = questionOf(example)
      const at = { record: number, line, field: null, found: null }
      if (examples.has(`${example.system}\0${question}\0${lastAnswer(example)}`)) note("in_eval", at)
      else if (questions.has(`${example.system}\0${question}`)) note("question_in_eval", at)
    }
  }

  const sorted = Array.from(histogram, ([upTo, count]) => ({ upTo, count })).sort((a, b) => a.upTo - b.upTo)
  const quantile = (share: number): number => {
    let seen = 0
    for (const { upTo, count } of sorted) {
      seen += count
      if (seen >= share * usable) return Math.min(upTo, longest)
    }
    return longest
  }
  return {
    path,
    form,
    records,
    usable,
    defects: Array.from(groups, ([code, { count, records: some }]) => ({
      code,
      severity: warnings.has(code) ? ("warning" as const) : ("error" as const),
      count,
      records: some,
    })).sort((a, b) => a.severity.localeCompare(b.severity) || a.records[0]!.record - b.records[0]!.record),
    tokens: {
      exact: options.lengths.exact,
      median: quantile(0.5),
      p95: quantile(0.95),
      longest,
      total,
      histogram: sorted,
    },
    languages,
    tokensPerCjk: options.lengths.exact && cjk.characters > 50 ? cjk.tokens / cjk.characters : null,
  }
}
