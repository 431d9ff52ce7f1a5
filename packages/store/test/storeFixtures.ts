// Facts, batches and log chunks to fill a store with. Owns no expectations: programs that are no tests use it too.
import { Buffer } from "node:buffer"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { PointColumns } from "@sweep/domain/PointColumns"
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import type { EventBatch, LogChunk } from "../src/EventBatch.ts"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { sampled } from "@sweep/domain/Origin"

export const sweep = SweepId.make("s")
export const trialNumber = (n: number): TrialNumber => TrialNumber.make(n)
export const epochNumber = (n: number): Epoch => Epoch.make(n)

export type Point = readonly [seq: number, metric: string, step: number, value: number]

export const pointColumns = (points: ReadonlyArray<Point>): PointColumns => {
  const metrics = [...new Set(points.map(([, metric]) => metric))]
  return {
    metrics,
    seq: points.map(([seq]) => seq),
    metric: points.map(([, metric]) => metrics.indexOf(metric)),
    step: points.map(([, , step]) => step),
    value: points.map(([, , , value]) => value),
    at: points.map(([seq]) => 1_700_000_000_000 + seq),
  }
}

export const batchOf = (
  trial: number,
  epoch: number,
  points: ReadonlyArray<Point>,
  events: ReadonlyArray<TrialEvent> = [],
  range?: readonly [first: number, last: number],
): EventBatch => {
  const seqs = [...points.map(([seq]) => seq), ...events.map(({ seq }) => seq)]
  return {
    sweep,
    trial: trialNumber(trial),
    epoch: epochNumber(epoch),
    firstSeq: range?.[0] ?? Math.min(...seqs),
    lastSeq: range?.[1] ?? Math.max(...seqs),
    points: pointColumns(points),
    events,
  }
}

export const logOf = (
  trial: number,
  epoch: number,
  offset: number,
  text: string,
  stream: "stdout" | "stderr" = "stdout",
): LogChunk => ({
  sweep,
  trial: trialNumber(trial),
  epoch: epochNumber(epoch),
  stream,
  offset,
  text,
  end: offset + Buffer.byteLength(text),
})

export const submitted: Fact = {
  _tag: "SweepSubmitted",
  at: 1,
  sweep,
  spec: exampleSpec(),
  versions: { sweep: "0.1.0" },
}
export const created = (trial: number): Fact => ({
  _tag: "TrialCreated",
  at: 2,
  sweep,
  trial: trialNumber(trial),
  parameters: { rank: 4, learning_rate: 1e-3, note: "it's <b>" },
  seed: 7,
  revision: 1,
  origin: sampled,
})
export const assigned = (trial: number, epoch: number, attempt = 1): Fact => ({
  _tag: "TrialAssigned",
  at: 3,
  sweep,
  trial: trialNumber(trial),
  epoch: epochNumber(epoch),
  attempt,
  agent: AgentId.make("host"),
  slot: 0,
})
