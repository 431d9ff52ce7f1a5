// Curves of real training runs, as `collect` wrote them or as the response table holds them. Owns reading them.
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { read } from "../responseTable.ts"
import type { Point } from "./labelCurve.ts"

export interface RealCurve {
  /** The repository or data set it comes from. */
  readonly source: string
  readonly path: string
  /** What kind of log: `notebook`, `trainer_state`, `algoperf` … */
  readonly kind: string
  readonly half: "tune" | "held"
  readonly evals: ReadonlyArray<Point>
  readonly train: ReadonlyArray<Point>
  readonly metric: ReadonlyArray<Point>
  readonly metricName: string | null
}

type Raw = ReadonlyArray<readonly [number, number | string]>
const points = (raw: Raw): ReadonlyArray<Point> => raw.map(([step, value]) => ({ step, value: Number(value) }))

/** A file of curves: gzipped JSON, `{format: 1, curves: [{source, path, kind, half, evalLoss, trainLoss, metric, metricName}]}`. */
export const readCurves = (file: string): ReadonlyArray<RealCurve> => {
  const { curves } = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as {
    readonly curves: ReadonlyArray<
      Omit<RealCurve, "evals" | "train" | "metric"> & {
        readonly evalLoss: Raw
        readonly trainLoss: Raw
        readonly metric: Raw
      }
    >
  }
  return curves.map(({ evalLoss, trainLoss, metric, ...one }) => ({
    ...one,
    evals: points(evalLoss),
    train: points(trainLoss),
    metric: points(metric),
  }))
}

/** The 480 trials of the response table. Half of the learning-rate and rank pairs are for tuning. */
export const tableCurves = (): ReadonlyArray<RealCurve> => {
  const table = read()
  if (table === null) return []
  return table.trials.map((trial, i): RealCurve => ({
    source: "response-table",
    path: JSON.stringify(trial.parameters),
    kind: "response-table",
    half: i % 2 === 0 ? "tune" : "held",
    evals: trial.step.flatMap((step, at) =>
      trial.eval_loss[at] === null ? [] : [{ step, value: Number(trial.eval_loss[at]) }],
    ),
    train: trial.step.flatMap((step, at) =>
      trial.train_loss[at] === null ? [] : [{ step, value: Number(trial.train_loss[at]) }],
    ),
    metric: [],
    metricName: null,
  }))
}
