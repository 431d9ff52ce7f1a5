// What a token's holder may ask of a coordinator. Owns the roles and which includes which; which call needs which is the
// server's table.
import * as Schema from "effect/Schema"

/** `read`: look at everything. `submit`: also start, stop, pause, resume and remove sweeps. `agent`: run trials, and nothing else. */
export const Role = Schema.Literals(["read", "submit", "agent"])
export type Role = typeof Role.Type

/** Whether who has `held` may do what `needed` may. */
export const includes = (held: Role, needed: Role): boolean =>
  held === needed || (held === "submit" && needed === "read")

/** What a coordinator's certificate is for, wherever the coordinator is reached. */
export const serverName = "coordinator.sweep.internal"
