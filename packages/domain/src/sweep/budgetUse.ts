// How much of its budget a sweep has used. Owns what counts: hours in which the sweep was running, and devices × hours in
// which its trials ran. `now` is in milliseconds since the Unix epoch.
import type { SweepState } from "./SweepState.ts"

const hour = 3_600_000

const since = (from: number | null, now: number): number => (from === null ? 0 : Math.max(0, now - from))

/** A pause does not count, nor the time between an end and an extension. */
export const hoursUsed = ({ activeMs, activeSince }: SweepState, now: number): number =>
  (activeMs + since(activeSince, now)) / hour

/** Of all attempts, those that were lost, too. */
export const gpuHoursUsed = ({ trials, spec }: SweepState, now: number): number => {
  let busy = 0
  for (const { busyMs, busySince } of trials.values()) busy += busyMs + since(busySince, now)
  return (busy * Math.max(1, spec.resources.gpus)) / hour
}
