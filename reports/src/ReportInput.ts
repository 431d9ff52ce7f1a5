// What a report is made of besides the results: everything here is passed in, because rendering reads nothing.
import type { TrialNumber } from "@sweep/domain/Id"

/** How much of the differences in the objective a parameter explains. */
export interface ParameterImportance {
  readonly parameter: string
  /** Between 0 and 1. */
  readonly share: number
}

export interface ReportExtras {
  /** The page's program, from `loadRuntime()`. */
  readonly runtime: string
  /** Of the program that renders, shown with those the sweep recorded. */
  readonly versions?: Readonly<Record<string, string>>
  /** Most important first. */
  readonly importance?: ReadonlyArray<ParameterImportance>
  /** The end of the log of trials that failed. */
  readonly logs?: ReadonlyMap<TrialNumber, string>
}
