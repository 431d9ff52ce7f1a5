// Metric points in columns: how they travel and are stored. Never one object per point.

/** Columns of equal length; `metric[i]` indexes `metrics`. A value may be NaN or infinite. */
export interface PointColumns {
  readonly metrics: ReadonlyArray<string>
  /** The spool line the point came from. */
  readonly seq: ArrayLike<number>
  readonly metric: ArrayLike<number>
  /** Optimiser steps done. */
  readonly step: ArrayLike<number>
  readonly value: ArrayLike<number>
  /** Milliseconds since the Unix epoch on the agent's clock. */
  readonly at: ArrayLike<number>
}

/** A reported value, as one row. */
export interface Point {
  readonly seq: number
  readonly metric: string
  readonly step: number
  readonly value: number
  readonly at: number
}

/** A few points in columns; what comes by the thousand is written into columns at once. */
export const pointColumns = (points: ReadonlyArray<Point>): PointColumns => {
  const metrics = Array.from(new Set(points.map(({ metric }) => metric)))
  return {
    metrics,
    seq: points.map(({ seq }) => seq),
    metric: points.map(({ metric }) => metrics.indexOf(metric)),
    step: points.map(({ step }) => step),
    value: points.map(({ value }) => value),
    at: points.map(({ at }) => at),
  }
}
