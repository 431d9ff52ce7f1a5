// What the coordinator tells the page; packages/cli/src/web/views.ts writes it.
import type { ParameterValue } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"

interface Both {
  readonly en: string
  readonly zh: string
}
export interface TrialRow {
  readonly number: number
  readonly state: string
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly objective: number | null
  /** The last of each metric. */
  readonly values: Readonly<Record<string, number | null>>
  readonly verdict: string | null
  readonly step: number | null
  readonly agent: string | null
  readonly slot: number | null
  readonly attempt: number
  readonly seed: number
  readonly ranMs: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly why: Both | null
}
export interface TrialDetail extends TrialRow {
  readonly origin: string
  readonly warnings: ReadonlyArray<unknown>
  readonly diagnosis: {
    readonly kind: string
    readonly evidence: ReadonlyArray<Both & { readonly holds: boolean }>
    readonly advice: ReadonlyArray<Both>
  } | null
  readonly samples: ReadonlyArray<{ readonly probe: number; readonly prompt: string; readonly answer: string }>
  readonly files: ReadonlyArray<{ readonly path: string; readonly bytes: number; readonly epoch: number }>
  readonly attempts: ReadonlyArray<{
    readonly attempt: number
    readonly agent: string
    readonly end: string | null
    readonly cause: Both | null
  }>
  readonly stdout: string
  readonly stderr: string
}
export interface Head {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly status: string
  readonly reason: Both | null
  readonly method: string
  readonly metric: { readonly name: string; readonly goal: "minimize" | "maximize" }
  readonly metrics: ReadonlyArray<{ readonly name: string; readonly goal: "minimize" | "maximize" }>
  readonly space: SearchSpace
  readonly replicas: number
  readonly trainer: string
  /** Whether it was made from a file, which can be extended. */
  readonly extendable: boolean
  readonly counts: Readonly<Record<string, number>>
  readonly budget: { readonly trials: number | null }
  readonly createdAt: number
  readonly endedAt: number | null
  readonly best?: number | null
}
/** The fields of `answerJson` that the page says. */
export interface FrontView {
  readonly metrics: ReadonlyArray<{ readonly name: string; readonly goal: "minimize" | "maximize" }>
  readonly members: ReadonlyArray<{
    readonly trial: number
    readonly values: Readonly<Record<string, number>>
  }>
  readonly compromise: number
  readonly growth: ReadonlyArray<{ readonly trials: number; readonly hypervolume: number }>
}
export interface AnswerView {
  readonly pareto?: FrontView | null
  readonly trial: number
  readonly trials: ReadonlyArray<number>
  readonly objective: number
  readonly deviation: number | null
  readonly parameters: Readonly<Record<string, unknown>>
  readonly verdict: string | null
  readonly next: { readonly parameters: Readonly<Record<string, ParameterValue>> }
  readonly runner_up: {
    readonly trials: ReadonlyArray<number>
    readonly objective: number
    readonly behind: number
  } | null
  readonly certainty: {
    readonly level: "clear" | "likely" | "open"
    readonly probability_best_of_all: number
    readonly expected: { readonly low: number; readonly high: number }
  } | null
}
export interface Host {
  readonly agent: string
  readonly hostname: string
  readonly version: string
  readonly state: string
  readonly trainers: ReadonlyArray<string>
  readonly slots: ReadonlyArray<{
    readonly index: number
    readonly devices: ReadonlyArray<{ readonly kind: string; readonly name: string; readonly memoryBytes: number }>
  }>
  readonly running: ReadonlyArray<{ readonly sweep: string; readonly trial: number; readonly slot: number }>
}
export interface All {
  readonly sweeps: ReadonlyArray<Head>
  readonly hosts: ReadonlyArray<Host>
  readonly version: string
}
export interface Curve {
  readonly trial: number
  readonly metric: string
  readonly steps: Array<number>
  readonly values: Array<number | null>
}
export interface Progress {
  readonly trial: number
  readonly step: number
  readonly totalSteps: number | null
  readonly values: Readonly<Record<string, number | null>>
}
export interface Timing {
  readonly trial: number
  readonly steps: ReadonlyArray<number>
  readonly seconds: ReadonlyArray<number>
}
