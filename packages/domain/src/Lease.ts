// The promises on time between coordinator and agent. Durations are milliseconds on a monotonic clock; no wall clock
// takes part in a decision.
import * as Schema from "effect/Schema"

export class Timings extends Schema.Class<Timings>("Timings")({
  /** An agent says it is alive this often. */
  heartbeat: Schema.Finite,
  /** Silence after which an agent gets no new work. */
  suspect: Schema.Finite,
  /** Silence during which its trials keep running; the agent ends them itself after that. */
  lease: Schema.Finite,
  /** How long a trainer has between SIGTERM and SIGKILL. */
  grace: Schema.Finite,
  /** Beyond lease + grace, before a trial is dispatched again. */
  margin: Schema.Finite,
}) {}

export const defaultTimings = new Timings({
  heartbeat: 10_000,
  suspect: 45_000,
  lease: 15 * 60_000,
  grace: 30_000,
  margin: 30_000,
})

/** Silence after which a trial is dispatched again: its agent has ended it by then, even when it cannot be reached. */
export const redispatchAfter = (timings: Timings): number => timings.lease + timings.grace + timings.margin
