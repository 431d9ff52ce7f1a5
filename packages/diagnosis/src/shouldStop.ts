// Whether a verdict ends a running trial. Owns that decision alone; acting on it is the coordinator's.
import type { Verdict } from "@sweep/domain/Verdict"

/**
 * With `overfitting: {action: stop}` a trial ends that has certainly overfitted, or whose loss is no number any more: its
 * best checkpoint is kept, and later steps only move away from it. With `flag`, nothing is stopped.
 */
export const shouldStop = ({ kind, certain }: Verdict, action: "flag" | "stop"): boolean =>
  action === "stop" && certain === true && (kind === "overfitting" || kind === "diverged")
