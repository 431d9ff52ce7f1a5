// Which calls are written down, and what of them. Owns the choice: whatever changes something, costs something or is
// refused; not what programs say all the time (metrics, pieces of files, reports of external trials).
import type { AuditEntry } from "@sweep/protocol/Audit"
import type { Method } from "../transport/Gate.ts"

const written: ReadonlySet<Method> = new Set<Method>([
  "session",
  "offerArtifacts",
  "fetchCheckpoint",
  "fetchSources",
  "offerSources",
  "submit",
  "control",
  "orderAgent",
  "extend",
  "clone",
  "remove",
  "query",
  "exportParquet",
  "backup",
  "fetchArtifact",
])

export const isWritten = (method: Method, refused: string | null): boolean => refused !== null || written.has(method)

const longest = 500

/** What a request, or its answer, says of what it is about. */
export const aboutOf = (...messages: ReadonlyArray<unknown>): AuditEntry["about"] => {
  const about: Record<string, string | number> = {}
  for (const message of messages) {
    if (typeof message !== "object" || message === null) continue
    for (const name of ["sweep", "trial", "epoch", "path", "action", "agent", "order", "reason", "revision", "sql"]) {
      const value: unknown = (message as Record<string, unknown>)[name]
      if (typeof value === "number" || typeof value === "bigint") about[name] = Number(value)
      if (typeof value === "string" && value !== "") about[name] = value.slice(0, longest)
    }
  }
  return about
}
