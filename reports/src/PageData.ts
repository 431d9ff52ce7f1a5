// What the page's program finds in the page: compiled charts with their rows, and what tooltips say. The contract between
// renderReport.ts, which writes it, and page/, which reads it.
import type { Spec } from "vega"
import type { ParameterValue } from "@sweep/domain/Parameter"
import type { PackedColumn } from "./charts/pack.ts"

export interface Words {
  readonly en: string
  readonly zh: string
}

export interface PageChart {
  readonly id: string
  /** Index into `specs`. */
  readonly spec: number
  /** The field whose values each have a line in the data set `curves`; `null`: no lines. */
  readonly lines: "trial" | "series" | null
  /** What `value` in a row is. */
  readonly measure: string
  readonly signals: Readonly<Record<string, number | string | boolean>>
  readonly data: ReadonlyArray<{ readonly name: string; readonly columns: ReadonlyArray<PackedColumn> }>
}

interface PageTrial {
  readonly trial: number
  readonly tone: string
  /** Formatted. */
  readonly objective: string | null
  readonly parameters: ReadonlyArray<readonly [string, ParameterValue]>
}

export interface PageData {
  readonly specs: ReadonlyArray<Spec>
  readonly charts: ReadonlyArray<PageChart>
  readonly trials: ReadonlyArray<PageTrial>
  readonly words: {
    readonly trial: Words
    readonly step: Words
    readonly objective: Words
    readonly trials: Words
    readonly verdicts: Readonly<Record<string, Words>>
  }
}
