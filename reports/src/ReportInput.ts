// What a report is made of besides the results: everything here is passed in, because rendering reads nothing.
import type { TrialNumber } from "@sweep/domain/Id"

export interface ReportExtras {
  /** The page's program, from `loadRuntime()`. */
  readonly runtime: string
  /** Of the program that renders, shown with those the sweep recorded. */
  readonly versions?: Readonly<Record<string, string>>
  /** The end of the log of trials that failed. */
  readonly logs?: ReadonlyMap<TrialNumber, string>
}
