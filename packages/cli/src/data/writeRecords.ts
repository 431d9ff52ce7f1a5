// Records to a file, one after the other: JSON lines, a JSON array or CSV. Owns that a file is there whole or not at all.
import { createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs"
import { once } from "node:events"
import { dirname } from "node:path"
import { formatOf } from "./readRecords.ts"

const cell = (value: unknown): string => {
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const writableFormats = ["json", "jsonl", "csv"] as const

export const openRecords = (path: string) => {
  mkdirSync(dirname(path), { recursive: true })
  const partial = `${path}.part`
  const out = createWriteStream(partial)
  const format = formatOf(path)
  let header: ReadonlyArray<string> | undefined
  let count = 0
  const put = async (text: string) => {
    if (!out.write(text)) await once(out, "drain")
  }
  return {
    write: async (record: Readonly<Record<string, unknown>>) => {
      count++
      if (format === "csv") {
        header ??= Object.keys(record)
        if (count === 1) await put(`${header.map(cell).join(",")}\n`)
        await put(`${header.map((key) => cell(record[key])).join(",")}\n`)
      } else if (format === "json") await put(`${count === 1 ? "[\n" : ",\n"}${JSON.stringify(record)}`)
      else await put(`${JSON.stringify(record)}\n`)
    },
    close: async () => {
      if (format === "json") await put(count === 0 ? "[]\n" : "\n]\n")
      await new Promise<void>((done, fail) => out.once("error", fail).end(done))
      renameSync(partial, path)
      return count
    },
    abandon: () => {
      out.destroy()
      rmSync(partial, { force: true })
    },
  }
}
