// A sweep as the files other tools read: CSV tables of trials and metrics, TensorBoard's event files with a folder for each
// trial. Owns their formats; both hold every point.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { SweepResults } from "@sweep/domain/SweepResults"
import { makeFolder } from "../folders.ts"

/** A field of RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe. */
const csvField = (value: unknown): string => {
  if (value === null || value === undefined) return ""
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const csv = (rows: ReadonlyArray<ReadonlyArray<unknown>>): string =>
  rows.map((row) => `${row.map(csvField).join(",")}\n`).join("")

/** `trials.csv` with a column for each parameter, `metrics.csv` with a row for each point. */
export const writeCsv = (directory: string, { sweep, curves }: SweepResults): ReadonlyArray<string> => {
  const trials = Array.from(sweep.trials.values())
  const names = Array.from(new Set(trials.flatMap(({ parameters }) => Object.keys(parameters))))
  const metrics = Array.from(new Set(trials.flatMap(({ values }) => Object.keys(values))))
  const head = [
    "trial",
    "state",
    "objective",
    "seed",
    "attempts",
    ...names.map((name) => `parameter.${name}`),
    ...metrics,
  ]
  const table = trials.map(({ number, state, objective, seed, attempt, parameters, values }) => [
    number,
    state,
    objective,
    seed,
    attempt,
    ...names.map((name) => parameters[name]),
    ...metrics.map((name) => values[name]),
  ])
  const points = curves.flatMap(({ trial, metric, points }) =>
    points.map(({ step, value }) => [trial, metric, step, value] as const),
  )
  makeFolder(directory)
  const files = [
    ["trials.csv", csv([head, ...table])],
    ["metrics.csv", csv([["trial", "metric", "step", "value"], ...points])],
  ] as const
  return files.map(([name, text]) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  })
}

/** CRC-32C (Castagnoli, RFC 3720), which guards TFRecords. */
const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})
const maskedCrc = (data: Uint8Array): number => {
  let crc = 0xffffffff
  for (const byte of data) crc = crcTable[(crc ^ byte) & 255]! ^ (crc >>> 8)
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

const varint = (value: number): ReadonlyArray<number> => {
  const bytes = []
  for (let left = BigInt(Math.max(0, Math.round(value))); ; left >>= 7n) {
    if (left < 128n) return [...bytes, Number(left)]
    bytes.push(Number(left & 127n) | 128)
  }
}
const field = (number: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(content.length)]), content])

/** An event of TensorBoard: wall time (1), step (2), and either the file version (3) or a summary (5) of one scalar. */
const event = (at: number, step: number, content: Uint8Array): Buffer => {
  const time = Buffer.alloc(9)
  time[0] = (1 << 3) | 1
  time.writeDoubleLE(at / 1000, 1)
  return Buffer.concat([time, Buffer.from([2 << 3, ...varint(step)]), content])
}
const scalar = (tag: string, value: number): Buffer => {
  const number = Buffer.alloc(5)
  number[0] = (2 << 3) | 5
  number.writeFloatLE(value, 1)
  return field(5, field(1, Buffer.concat([field(1, Buffer.from(tag)), number])))
}

const record = (data: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(data.length))
  const crc = (of: Uint8Array) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(maskedCrc(of))
    return bytes
  }
  return Buffer.concat([head, crc(head), data, crc(data)])
}

/** `<directory>/<sweep>-<trial>/events.out.tfevents…`: TensorBoard shows each trial as a run. */
export const writeTensorBoard = (directory: string, { sweep, curves, at }: SweepResults): ReadonlyArray<string> => {
  const byTrial = Map.groupBy(curves, ({ trial }) => trial)
  return Array.from(byTrial, ([trial, own]) => {
    const folder = join(directory, `${sweep.id}-${trial}`)
    makeFolder(folder)
    const path = join(folder, `events.out.tfevents.${Math.floor(at / 1000)}.sweep`)
    const points = own.flatMap(({ metric, points }) => points.map(({ step, value }) => ({ metric, step, value })))
    points.sort((a, b) => a.step - b.step)
    const records = points.map(({ metric, step, value }) => record(event(at, step, scalar(metric, value))))
    writeFileSync(path, Buffer.concat([record(event(at, 0, field(3, Buffer.from("brain.Event:2")))), ...records]))
    return path
  })
}
