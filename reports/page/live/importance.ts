// A worker that finds how much each parameter matters, from what the page knows of the trials: the coordinator's CPU is for
// trials, however many people look, and the page stays smooth while it is found.
import { analyseImportance, type Importance } from "@sweep/diagnosis/importance"
import type { SweepState } from "@sweep/domain/SweepState"

export interface ImportanceAsked {
  readonly spec: Pick<SweepState["spec"], "space" | "metric">
  readonly trials: ReadonlyArray<unknown>
}

const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<ImportanceAsked>) => void
  postMessage: (found: Importance) => void
}
worker.onmessage = ({ data: { spec, trials } }) => {
  const rows = trials as ReadonlyArray<{ readonly number: number }>
  // Of a sweep's state the analysis reads the metric, the space and the trials.
  const sweep = { spec, trials: new Map(rows.map((row) => [row.number, row])) } as unknown as SweepState
  worker.postMessage(analyseImportance(sweep))
}
