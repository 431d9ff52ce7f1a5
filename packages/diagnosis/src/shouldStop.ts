// Whether a verdict ends a running trial. Owns that decision alone; acting on it is the coordinator's.
import type { Verdict } from "@sweep/domain/Verdict"

/**
 * With `overfitting: {action: stop}` an overfitting trial ends: its best checkpoint is kept, and later steps only move
 * away from it. So does one that diverged, which has nothing left to learn from. With `flag`, nothing is stopped.
 */
export const shouldStop = (verdict: Verdict, action: "flag" | "stop"): boolean =>
  action === "stop" && (verdict.kind === "overfitting" || verdict.kind === "diverged")
