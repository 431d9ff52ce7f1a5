// Alpaca data: the records of a JSON array or of JSON lines, each checked. Owns the format's rules (the trainer has the
// same ones); a mistake names the record, counted from 1, and the field. Records are kept as they were written, so that
// a split loses nothing.
import { didYouMean } from "../parse/Field.ts"

export type AlpacaRecord = Readonly<Record<string, unknown>>

interface AlpacaProblem {
  /** Counts from 1; `null` when the file as a whole is wrong. */
  readonly record: number | null
  readonly field: string | null
  readonly message: string
  readonly found: string | null
  readonly expected: string | null
  readonly hint: string | null
}

export interface AlpacaFile {
  readonly records: ReadonlyArray<AlpacaRecord>
  /** At most `shownProblems`, in the order of the records. */
  readonly problems: ReadonlyArray<AlpacaProblem>
  /** Of all records. */
  readonly problemCount: number
}

const shownProblems = 3
const fields = ["instruction", "input", "output", "system", "history", "images"]

const describe = (value: unknown): string => {
  if (value === undefined || value === null) return "null"
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`
  if (typeof value === "object") return "an object"
  if (typeof value === "string") return `the text "${value.length > 40 ? `${value.slice(0, 37)}…` : value}"`
  return typeof value === "number" ? `the number ${value}` : String(value)
}

type Mistake = Omit<AlpacaProblem, "record">

const mistake = (field: string | null, message: string, rest: Partial<Mistake> = {}): Mistake => ({
  field,
  message,
  found: null,
  expected: null,
  hint: null,
  ...rest,
})

const text = "text"

/** The first mistake of a record. */
const mistakeIn = (record: unknown): Mistake | undefined => {
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    return mistake(null, "is no object", {
      found: describe(record),
      expected: "an object with `instruction` and `output`",
    })
  }
  const values = record as AlpacaRecord
  const has = (key: string): boolean => Object.hasOwn(values, key)
  const conversation = ["conversations", "messages"].find((key) => has(key) && !has("output"))
  if (conversation !== undefined) {
    const name = conversation === "messages" ? "OpenAI's form" : "ShareGPT's form"
    return mistake(conversation, `is a conversation in ${name}`, {
      found: `a field \`${conversation}\``,
      expected: "Alpaca: `instruction`, `input`, `output`, `system`, `history`",
      hint: "convert it: the last question is `instruction`, its answer `output`, earlier pairs are `history`",
    })
  }
  for (const key of ["instruction", "output"]) {
    if (has(key)) continue
    const unknown = Object.keys(values).filter((other) => !fields.includes(other))
    const near = unknown.find((other) => didYouMean(other, [key]) !== null)
    return mistake(key, `has no \`${key}\``, {
      found: `the fields ${
        Object.keys(values)
          .slice(0, 8)
          .map((other) => `\`${other.slice(0, 40)}\``)
          .join(", ") || "none"
      }`,
      expected: `\`${key}\`, a text`,
      hint: near === undefined ? null : `there is \`${near}\``,
    })
  }
  for (const key of ["instruction", "input", "output", "system"]) {
    const value = values[key]
    const optional = key === "input" || key === "system"
    if (typeof value === "string" || (optional && (value === undefined || value === null))) continue
    return mistake(key, `has a wrong \`${key}\``, { found: describe(value), expected: text })
  }
  const { history } = values
  if (history !== undefined && history !== null) {
    const expected = "a list of [question, answer] pairs of texts"
    const isPair = (turn: unknown): boolean =>
      Array.isArray(turn) && turn.length === 2 && turn.every((part) => typeof part === "string")
    if (!Array.isArray(history))
      return mistake("history", "has a wrong `history`", { found: describe(history), expected })
    const bad: unknown = history.find((turn) => !isPair(turn))
    if (bad !== undefined)
      return mistake("history", "has a wrong turn in `history`", { found: describe(bad), expected })
  }
  const { images } = values
  if (
    images !== undefined &&
    images !== null &&
    !(Array.isArray(images) && images.every((path) => typeof path === "string"))
  ) {
    return mistake("images", "has wrong `images`", { found: describe(images), expected: "a list of paths" })
  }
  const question = `${String(values["instruction"])}${typeof values["input"] === "string" ? values["input"] : ""}`
  if (question.trim() === "") {
    return mistake("instruction", "asks nothing: `instruction` and `input` are both empty", {
      expected: "a question in one of them",
    })
  }
  if (String(values["output"]).trim() === "") {
    return mistake("output", "has no answer: `output` is empty, and there would be nothing to learn from", {
      expected: "an answer, or no such record",
    })
  }
  return undefined
}

const whole = (message: string, rest: Partial<Mistake> = {}): AlpacaFile => ({
  records: [],
  problems: [{ record: null, ...mistake(null, message, rest) }],
  problemCount: 1,
})

/** Where JSON stops making sense, and what stands there; the parser's own words differ between engines. */
const jsonMistake = (content: string, error: unknown) => {
  const position = /position (\d+)/.exec(String(error))
  const at = position === null ? content.length : Number(position[1])
  const before = content.slice(0, at)
  const rest = content.slice(at, at + 20).split("\n", 1)[0]!
  return {
    line: before.split("\n").length,
    column: at - before.lastIndexOf("\n"),
    found: rest === "" ? "its end" : `\`${rest}\``,
  }
}

export const checkAlpaca = (records: ReadonlyArray<unknown>): AlpacaFile => {
  if (records.length === 0) return whole("holds no records", { expected: "at least one Alpaca record" })
  const problems: Array<AlpacaProblem> = []
  let problemCount = 0
  records.forEach((record, i) => {
    const found = mistakeIn(record)
    if (found !== undefined && ++problemCount <= shownProblems) problems.push({ record: i + 1, ...found })
  })
  return { records: records as ReadonlyArray<AlpacaRecord>, problems, problemCount }
}

/** The records of a file, of whatever form. `lines`: one object a line, as a `.jsonl` file has them. */
export const parseRecords = (
  bytes: Uint8Array,
  lines: boolean,
): { readonly records: ReadonlyArray<unknown> } | { readonly broken: AlpacaFile } => {
  const whole = (message: string, rest: Partial<Mistake> = {}) => ({
    broken: { records: [], problems: [{ record: null, ...mistake(null, message, rest) }], problemCount: 1 },
  })
  let content: string
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return whole("is not UTF-8 text", { expected: "UTF-8", hint: "convert it, for example with iconv" })
  }
  if (content.trim() === "") return whole("is empty", { expected: "a list of Alpaca records" })
  if (lines) {
    const records: Array<unknown> = []
    for (const line of content.split("\n")) {
      if (line.trim() === "") continue
      try {
        records.push(JSON.parse(line))
      } catch (error) {
        const { column, found } = jsonMistake(line, error)
        const record = records.length + 1
        const problem = mistake(null, `is not JSON from column ${column} on`, { found, expected: "one object a line" })
        return { broken: { records: [], problems: [{ record, ...problem }], problemCount: 1 } }
      }
    }
    return { records }
  }
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    const { line, column, found } = jsonMistake(content, error)
    return whole(`is not JSON from line ${line}, column ${column} on`, {
      found,
      expected: "a JSON array of records",
      hint: /^\s*\{[^\n]*\}\s*\n\s*\{/.test(content) ? "one object a line is JSON lines: name the file .jsonl" : null,
    })
  }
  if (!Array.isArray(value)) return whole("is no list", { found: describe(value), expected: "a JSON array of records" })
  return { records: value }
}

/** `lines`: one object a line, as a `.jsonl` file has them. */
export const readAlpaca = (bytes: Uint8Array, lines: boolean): AlpacaFile => {
  const parsed = parseRecords(bytes, lines)
  return "broken" in parsed ? parsed.broken : checkAlpaca(parsed.records)
}
