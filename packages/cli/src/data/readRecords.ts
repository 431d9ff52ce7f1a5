// The records of a data file, one after the other, in memory that does not grow with the file: JSON lines, a JSON array,
// CSV with a header, Parquet. Owns where a record begins and ends and that its bytes are UTF-8 and JSON; what a record
// means is its reader's.
import { open } from "node:fs/promises"

export interface RawRecord {
  /** Counts from 1. */
  readonly number: number
  /** Of its first byte; 1 for Parquet, which has no lines. */
  readonly line: number
  readonly value?: unknown
  readonly problem?: {
    readonly code: "not_utf8" | "not_json" | "too_long_record" | "not_a_list" | "unfinished" | "columns"
    readonly found: string
  }
}

const chunkBytes = 1 << 20
/** A record beyond this is no example to train on, and reading on would take the machine's memory. */
const maximumRecord = 64 << 20
const decoder = new TextDecoder("utf-8", { fatal: true })

const parse = (number: number, line: number, bytes: Uint8Array): RawRecord => {
  let content: string
  try {
    content = decoder.decode(bytes)
  } catch {
    return { number, line, problem: { code: "not_utf8", found: Buffer.from(bytes.subarray(0, 40)).toString("latin1") } }
  }
  try {
    return { number, line, value: JSON.parse(content) as unknown }
  } catch (error) {
    const at = /position (\d+)/.exec(String(error))?.[1]
    const found = at === undefined ? "its end" : content.slice(Number(at), Number(at) + 20)
    return { number, line, problem: { code: "not_json", found } }
  }
}

async function* chunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, "r")
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    for (let first = true; ; first = false) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null)
      if (bytesRead === 0) return
      const bom = first && bytesRead >= 3 && buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf
      yield Buffer.from(buffer.subarray(bom ? 3 : 0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

async function* lines(path: string): AsyncGenerator<RawRecord> {
  let kept: Array<Buffer> = []
  let size = 0
  let line = 1
  let number = 0
  const take = (end: Buffer | null): RawRecord | undefined => {
    const bytes = end === null ? Buffer.concat(kept) : kept.length === 0 ? end : Buffer.concat([...kept, end])
    const tooLong = size > maximumRecord
    kept = []
    size = 0
    if (!tooLong && bytes.every((byte) => byte === 32 || byte === 13 || byte === 9)) return undefined
    number++
    return tooLong ? { number, line, problem: { code: "too_long_record", found: "" } } : parse(number, line, bytes)
  }
  for await (const chunk of chunks(path)) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      size += end - start
      const record = take(chunk.subarray(start, end))
      if (record !== undefined) yield record
      line++
      start = end + 1
    }
    size += chunk.length - start
    if (size <= maximumRecord && start < chunk.length) kept.push(chunk.subarray(start))
  }
  if (size > 0) {
    const record = take(null)
    if (record !== undefined) yield record
  }
}

/** The elements of the array that is the file. */
async function* elements(path: string): AsyncGenerator<RawRecord> {
  let depth = 0
  let inString = false
  let escaped = false
  let began = false
  let ended = false
  let afterComma = false
  let kept: Array<Buffer> = []
  let size = 0
  let line = 1
  let startLine = 1
  let number = 0
  for await (const chunk of chunks(path)) {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (byte === 10) line++
      if (inString) {
        if (escaped) escaped = false
        else if (byte === 92) escaped = true
        else if (byte === 34) inString = false
        continue
      }
      if (byte === 32 || byte === 10 || byte === 13 || byte === 9) {
        // Spaces between the elements, at which the next one does not begin.
        if (depth === 1 && size + i - start === 0) {
          start = i + 1
          startLine = line
        }
        continue
      }
      if (!began) {
        if (byte !== 91) {
          const found = chunk.subarray(i, i + 30).toString("utf8")
          yield { number: 1, line, problem: { code: "not_a_list", found } }
          return
        }
        began = true
        depth = 1
        start = i + 1
        startLine = line
        continue
      }
      if (byte === 34) inString = true
      else if (byte === 91 || byte === 123) depth++
      const closes = byte === 93 || byte === 125
      if (closes) depth--
      const ends = (byte === 44 && depth === 1) || (closes && depth === 0)
      if (!ends) continue
      const part = chunk.subarray(start, i)
      size += part.length
      if (size > maximumRecord)
        yield { number: ++number, line: startLine, problem: { code: "too_long_record", found: "" } }
      else if (size > 0) yield parse(++number, startLine, Buffer.concat([...kept, part]))
      else if (byte === 44 || afterComma) {
        yield { number: ++number, line, problem: { code: "not_json", found: String.fromCharCode(byte) } }
      }
      afterComma = byte === 44
      kept = []
      size = 0
      start = i + 1
      startLine = line
      if (closes) {
        ended = true
        break
      }
    }
    if (ended) break
    size += chunk.length - start
    if (size <= maximumRecord && start < chunk.length) kept.push(chunk.subarray(start))
  }
  if (!ended) {
    const found = began
      ? `the end of the file inside ${number === 0 ? "the first record" : `record ${number + 1}`}`
      : "nothing"
    yield { number: number + 1, line: startLine, problem: { code: "unfinished", found } }
  }
}

/** RFC 4180; quoted fields may hold line ends. */
async function* table(path: string, separator: number): AsyncGenerator<RawRecord> {
  let header: ReadonlyArray<string> | undefined
  let row: Array<string> = []
  let field: Array<number> = []
  let quoted = false
  let closing = false
  let line = 1
  let startLine = 1
  let number = 0
  const text = () => {
    const bytes = Uint8Array.from(field)
    field = []
    return bytes
  }
  const finish = (): RawRecord | undefined => {
    const cells = row
    row = []
    if (cells.length === 1 && cells[0] === "") return undefined
    if (header === undefined) {
      header = cells.map((name) => name.trim())
      return undefined
    }
    number++
    if (cells.length !== header.length)
      return { number, line: startLine, problem: { code: "columns", found: `${cells.length} of ${header.length}` } }
    return { number, line: startLine, value: Object.fromEntries(header.map((name, i) => [name, cells[i]])) }
  }
  let broken = false
  const endField = () => {
    try {
      row.push(decoder.decode(text()))
    } catch {
      broken = true
      row.push("")
    }
  }
  const endRow = (): RawRecord | undefined => {
    endField()
    const record = finish()
    const wrong = broken
    broken = false
    startLine = line
    return wrong && record !== undefined
      ? { number: record.number, line: record.line, problem: { code: "not_utf8", found: "" } }
      : record
  }
  for await (const chunk of chunks(path)) {
    for (const byte of chunk) {
      if (byte === 10) line++
      if (quoted && !closing) {
        if (byte === 34) closing = true
        else field.push(byte)
        continue
      }
      if (closing) {
        closing = false
        if (byte === 34) {
          field.push(34)
          continue
        }
        quoted = false
      }
      if (byte === 34 && field.length === 0) quoted = true
      else if (byte === separator) endField()
      else if (byte === 10) {
        const record = endRow()
        if (record !== undefined) yield record
      } else if (byte !== 13) field.push(byte)
      if (field.length > maximumRecord) throw new Error(`a field of record ${number + 1} is longer than 64 MiB`)
    }
  }
  if (field.length > 0 || row.length > 0) {
    const record = endRow()
    if (record !== undefined) yield record
  }
}

async function* parquet(path: string): AsyncGenerator<RawRecord> {
  const { DuckDBInstance } = await import("@duckdb/node-api")
  const instance = await DuckDBInstance.create(":memory:")
  const connection = await instance.connect()
  try {
    const result = await connection.stream(
      `SELECT to_json(t)::VARCHAR FROM read_parquet('${path.replaceAll("'", "''")}') t`,
    )
    let number = 0
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return
      for (const [value] of chunk.getRows()) yield parse(++number, 1, Buffer.from(String(value)))
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

export const dataFormats = ["json", "jsonl", "csv", "tsv", "parquet"] as const

/** `undefined`: a file whose name says no format that is known here. */
export const formatOf = (path: string): (typeof dataFormats)[number] | undefined => {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase()
  return ending === "ndjson" ? "jsonl" : dataFormats.find((format) => format === ending)
}

/** The first byte that is no space says whether a `.json` file is an array or, wrongly named, JSON lines. */
const isArray = async (path: string): Promise<boolean> => {
  for await (const chunk of chunks(path)) return !/^\s*\{/.test(chunk.subarray(0, 4096).toString("latin1"))
  return true
}

export const readRecords = async function* (path: string): AsyncGenerator<RawRecord> {
  switch (formatOf(path)) {
    case "jsonl":
      return yield* lines(path)
    case "csv":
      return yield* table(path, 44)
    case "tsv":
      return yield* table(path, 9)
    case "parquet":
      return yield* parquet(path)
    default:
      return yield* (await isArray(path)) ? elements(path) : lines(path)
  }
}
