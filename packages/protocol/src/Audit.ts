// Who did what at a coordinator, as a contract: whoever serves writes it down, for its owner to look at afterwards. Owns
// the shape; where it is written is the matter of the process around. Nothing is decided by it.
import * as Context from "effect/Context"
import type { Caller } from "./Caller.ts"

export interface AuditEntry {
  readonly caller: Pick<Caller, "name" | "token">
  /** The call, by its name on the wire, or what an agent did in its session. */
  readonly what: string
  /** Where the call came from. */
  readonly peer: string | null
  /** Sweep, trial, attempt, file, SQL …, as asked. */
  readonly about: Readonly<Record<string, string | number>>
  /** Why it was refused; `null`: it was not. */
  readonly refused: string | null
}

export const Audit = Context.Reference<{ readonly record: (entry: AuditEntry) => void }>("@sweep/protocol/Audit", {
  defaultValue: () => ({ record: () => {} }),
})
