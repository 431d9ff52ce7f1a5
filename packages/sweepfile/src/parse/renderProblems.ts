// Problems as a person reads them: `file:line:column: message`, the line with a caret below it, what was found and
// expected, and a hint. Plain text; a terminal may colour it.
import type { SpecProblem } from "./SpecProblem.ts"

const longestLine = 120

/** Characters that take two columns in a terminal: CJK, kana, hangul, full-width forms, emoji. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\p{Emoji_Presentation}]/u

const blank = (text: string): string =>
  Array.from(text, (char) => (char === "\t" ? "\t" : wide.test(char) ? "  " : " ")).join("")

const caret = (problem: SpecProblem, line: string): string => {
  // A long line is cut around the problem.
  const start = problem.column - 1
  const from = start > longestLine - 20 ? start - 40 : 0
  const shown = line.slice(from, from + longestLine)
  const cut = (from > 0 ? "…" : "") + shown + (from + longestLine < line.length ? "…" : "")
  const before = (from > 0 ? " " : "") + blank(line.slice(from, start))
  const marked = shown.slice(start - from, start - from + problem.length)
  const width = Array.from(marked).reduce((n, char) => n + (wide.test(char) ? 2 : 1), 0)
  const number = String(problem.line)
  return `  ${number} | ${cut.trimEnd()}\n  ${" ".repeat(number.length)} | ${before}${"^".repeat(Math.max(1, width))}`
}

const renderProblem = (problem: SpecProblem, lines: ReadonlyArray<string>): string => {
  const line = lines[problem.line - 1]?.replace(/\r$/, "") ?? ""
  const parts = [`${problem.file}:${problem.line}:${problem.column}: ${problem.message}`]
  if (line.trim() !== "") parts.push(caret(problem, line))
  if (problem.found !== null && !problem.message.includes(problem.found)) parts.push(`  found:    ${problem.found}`)
  if (problem.expected !== null) parts.push(`  expected: ${problem.expected}`)
  if (problem.hint !== null) parts.push(`  hint:     ${problem.hint}`)
  return parts.join("\n")
}

const shownProblems = 50

/** `text` is the sweep file's; a blank line stands between two problems, none at the end. */
export const renderProblems = (problems: ReadonlyArray<SpecProblem>, text: string): string => {
  const lines = text.split("\n")
  const shown = problems.slice(0, shownProblems).map((problem) => renderProblem(problem, lines))
  const rest = problems.length - shown.length
  return (rest > 0 ? [...shown, `… and ${rest} more`] : shown).join("\n\n")
}
