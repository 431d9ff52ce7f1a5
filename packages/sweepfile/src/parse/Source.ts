// A sweep file's text while it is being read: where offsets stand, which part of the file each path names, and the
// problems and warnings found so far. Readers report here and continue, so that a person sees every mistake at once.
import type { SpecProblem } from "./SpecProblem.ts"

export interface Span {
  readonly start: number
  readonly end: number
}

export interface Report {
  readonly message: string
  readonly found?: string | null | undefined
  readonly expected?: string | null | undefined
  readonly hint?: string | null | undefined
}

export class Source {
  readonly path: string
  readonly text: string
  private readonly lineStarts: ReadonlyArray<number>
  private readonly spans = new Map<string, Span>()
  private readonly problems: Array<SpecProblem> = []
  private readonly warned: Array<SpecProblem> = []

  constructor(path: string, text: string) {
    this.path = path
    this.text = text
    const starts = [0]
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
    this.lineStarts = starts
  }

  lineOf(offset: number): number {
    let low = 0
    let high = this.lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.lineStarts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }

  /** Remembers which part of the file `path` names. */
  place(path: string, span: Span): void {
    this.spans.set(path, span)
  }

  /** Of `path`, or of the nearest thing around it that stands in the file. */
  spanOf(path: string): Span {
    let at = path
    while (at !== "") {
      const span = this.spans.get(at)
      if (span !== undefined) return span
      at = at.slice(0, Math.max(0, at.lastIndexOf("."), at.lastIndexOf("[")))
    }
    return { start: 0, end: 0 }
  }

  problemAt(span: Span, path: string, report: Report): SpecProblem {
    const line = this.lineOf(span.start)
    const start = this.lineStarts[line - 1]!
    const lineEnd = this.lineStarts[line] === undefined ? this.text.length : this.lineStarts[line]! - 1
    return {
      file: this.path,
      line,
      column: span.start - start + 1,
      length: Math.max(1, Math.min(span.end, lineEnd) - span.start),
      path,
      message: report.message,
      found: report.found ?? null,
      expected: report.expected ?? null,
      hint: report.hint ?? null,
    }
  }

  /** Enough has been found: a file with this many mistakes is no sweep file, and looking for more takes long. */
  get full(): boolean {
    return this.problems.length >= 100
  }

  /** Always `undefined`: `return source.report(…)` stands for the value that could not be read. */
  report(span: Span, path: string, report: Report): undefined {
    if (!this.full) this.problems.push(this.problemAt(span, path, report))
    return undefined
  }

  warn(span: Span, path: string, report: Report): undefined {
    this.warned.push(this.problemAt(span, path, report))
    return undefined
  }

  /** In the order of the lines. */
  get errors(): ReadonlyArray<SpecProblem> {
    return inOrder(this.problems)
  }

  get warnings(): ReadonlyArray<SpecProblem> {
    return inOrder(this.warned)
  }
}

const inOrder = (problems: ReadonlyArray<SpecProblem>): ReadonlyArray<SpecProblem> =>
  problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
