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
