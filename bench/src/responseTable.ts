// The real response table: what real fine-tuning trials of the quickstart model gave, for every point of a grid. Owns
// its format (bench/data/README.md) and reading it; makeResponseTable.ts makes it.
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { Dimension, SearchSpace } from "@sweep/domain/SearchSpace"
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import type { TestDimension, TestFunction } from "./functions.ts"

export const file = new URL("../data/response-table.json.gz", import.meta.url)

export interface TableTrial {
  readonly parameters: Parameters
  readonly seed: number
  readonly status: "finished" | "failed"
  /** Of training and evaluation. */
  readonly seconds: number
  readonly step: ReadonlyArray<number>
  readonly epoch: ReadonlyArray<number>
  readonly train_loss: ReadonlyArray<number | string | null>
  readonly eval_loss: ReadonlyArray<number | string | null>
}

export interface ResponseTable {
  readonly format: 1
  /** Provenance: versions, hashes of model and data, what was held fixed. */
  readonly made: Readonly<Record<string, unknown>>
  readonly dimensions: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<number> }>
  readonly trials: ReadonlyArray<TableTrial>
}

export const read = (): ResponseTable | null => {
  try {
    return JSON.parse(gunzipSync(readFileSync(file)).toString()) as ResponseTable
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw error
  }
}

export const dimensionsOf = (table: ResponseTable): ReadonlyArray<TestDimension> =>
  table.dimensions.map(({ name, values }) => ({
    name,
    distribution: { _tag: "Categorical", values: values as [number, ...Array<number>], probabilities: null },
  }))

export const tableSpace = (table: ResponseTable): SearchSpace =>
  new SearchSpace({
    dimensions: dimensionsOf(table).map(
      ({ name, distribution }) => new Dimension({ name, distribution, when: null, prior: null }),
    ),
    derived: [],
    constraints: [],
  })

export interface Point {
  readonly step: number
  readonly epoch: number
  readonly train: number
  readonly eval: number
}

/** The evaluations of a trial after the first step; the train loss is the last one logged before. */
export const evaluations = (trial: TableTrial): ReadonlyArray<Point> => {
  const points: Array<Point> = []
  let train = Number.NaN
  trial.step.forEach((step, i) => {
    if (trial.train_loss[i] !== null) train = Number(trial.train_loss[i])
    if (trial.eval_loss[i] !== null && step > 0) {
      points.push({ step, epoch: trial.epoch[i]!, train, eval: Number(trial.eval_loss[i]) })
    }
  })
  return points
}

/** The best eval loss, as the best checkpoint is the one that is kept; ∞ when there is none. */
export const objectiveOf = (trial: TableTrial): number =>
  evaluations(trial).reduce((best, point) => (point.eval < best ? point.eval : best), Infinity)

export const byParameters = (table: ResponseTable): ReadonlyMap<string, TableTrial> =>
  new Map(table.trials.map((trial) => [canonicalText(trial.parameters), trial]))

/** The table as a function of its parameters, when it is there; a diverged run counts as the worst that did not. */
export const tableFunction = (): ReadonlyArray<TestFunction> => {
  const table = read()
  if (table === null) return []
  const losses = new Map(Array.from(byParameters(table), ([text, trial]) => [text, objectiveOf(trial)]))
  const finite = Array.from(losses.values()).filter(Number.isFinite)
  const worst = Math.max(...finite)
  return [
    {
      name: "response table (real)",
      dimensions: dimensionsOf(table),
      value: (parameters) => Math.min(worst, losses.get(canonicalText(parameters)) ?? worst),
      optimum: Math.min(...finite),
      noise: 0,
    },
  ]
}
