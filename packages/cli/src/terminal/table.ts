// Text in columns, aware of wide (Chinese) characters. Pure.
import { displayWidth } from "effect/cli/CliOutput"
import { styleText } from "node:util"

export interface Column {
  readonly title: string
  readonly align?: "left" | "right"
}

const pad = (text: string, width: number, align: "left" | "right"): string => {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)))
  return align === "right" ? space + text : text + space
}

/** Cut to `width` columns, with an ellipsis when something was cut. */
export const truncate = (text: string, width: number): string => {
  if (displayWidth(text) <= width) return text
  let out = ""
  let used = 0
  // Escape sequences take no room and stay whole.
  for (const [part] of text.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    const size = part.startsWith("\u001b") ? 0 : displayWidth(part)
    if (used + size > width - 1) return `${out}…${text.includes("\u001b") ? "\u001b[0m" : ""}`
    out += part
    used += size
  }
  return out
}

/** One line per row under a line of titles; cells may carry colours. */
export const table = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
): ReadonlyArray<string> => {
  const widths = columns.map((column, i) =>
    // Not by spreading: more rows than a call takes arguments.
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[i] ?? "")), displayWidth(column.title)),
  )
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, i) => pad(cell, widths[i]!, columns[i]!.align ?? "left"))
      .join("  ")
      .trimEnd()
  return [styleText("dim", line(columns.map((column) => column.title))), ...rows.map(line)]
}

/** What the lines after the first are indented by: a label's width, as in `model      …` and `  hint:     …`. */
const hangOf = (line: string): number => (/^\s*(?:→ |\S+:\s+|\S+(?: \S+){0,2}\s{2,})?/.exec(line) ?? [""])[0].length

/** Wraps lines that are longer than `width` between words. Lines with a `|`, which quote a file, and words stay whole. */
export const wrap = (text: string, width: number): string =>
  text
    .split("\n")
    .flatMap((line) => {
      if (displayWidth(line) <= width || / \| /.test(line)) return [line]
      const hang = Math.min(hangOf(line), Math.floor(width / 2))
      const lines: Array<string> = []
      let current = line.slice(0, hang)
      let empty = true
      for (const word of line.slice(hang).split(" ")) {
        if (!empty && displayWidth(`${current} ${word}`) > width) {
          lines.push(current)
          current = " ".repeat(hang) + word
        } else current += empty ? word : ` ${word}`
        empty = false
      }
      return [...lines, current]
    })
    .join("\n")

export const bar = (fraction: number, width: number): string => {
  const clamped = Math.min(1, Math.max(0, fraction))
  const eighths = Math.round(clamped * width * 8)
  const full = Math.floor(eighths / 8)
  const part = eighths % 8
  const drawn = "█".repeat(full) + (part > 0 ? " ▏▎▍▌▋▊▉"[part]! : "")
  return drawn + styleText("dim", "░".repeat(width - full - (part > 0 ? 1 : 0)))
}
