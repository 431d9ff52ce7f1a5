// The audit log: a line of JSON for everything that was asked of a coordinator and refused, or that changed something,
// with who asked. Owns the file `audit.jsonl` of the state directory, its size and its rate: nobody fills a disk by being
// refused. It is for the coordinator's owner, and readable by nobody else.
import { appendFileSync, chmodSync, existsSync, renameSync, statSync } from "node:fs"
import { join } from "node:path"
import type { AuditEntry } from "@sweep/protocol/Audit"

/** Bytes after which the file is put aside, and how many of those are kept. */
const mostBytes = 16 * 1024 * 1024
const keptFiles = 4
/** Refusals that are written down in a second; of more, only how many they were. */
const mostRefusals = 50

export const auditLogOf = (
  directory: string,
  onProblem: (message: string) => void,
): { readonly record: (entry: AuditEntry) => void } => {
  const path = join(directory, "audit.jsonl")
  let second = 0
  let refusals = 0
  let failed = false

  const rotate = () => {
    for (let n = keptFiles - 1; n >= 1; n--) {
      if (existsSync(`${path}.${n}`)) renameSync(`${path}.${n}`, `${path}.${n + 1}`)
    }
    renameSync(path, `${path}.1`)
  }
  const append = (line: object) => {
    try {
      if (existsSync(path) && statSync(path).size > mostBytes) rotate()
      const isNew = !existsSync(path)
      appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 })
      if (isNew) chmodSync(path, 0o600)
      failed = false
    } catch (error) {
      // Once: a full disk is no reason to serve nobody.
      if (!failed) onProblem(`the audit log cannot be written: ${(error as Error).message}`)
      failed = true
    }
  }

  return {
    record: ({ caller, what, peer, about, refused }) => {
      const now = Date.now()
      if (refused !== null) {
        if (Math.floor(now / 1_000) !== second) {
          if (refusals > mostRefusals) {
            append({ at: new Date(now).toISOString(), what: "refusals-left-out", count: refusals - mostRefusals })
          }
          second = Math.floor(now / 1_000)
          refusals = 0
        }
        if (++refusals > mostRefusals) return
      }
      const { name, token } = caller
      append({ at: new Date(now).toISOString(), caller: name, token, what, peer, ...about, refused })
    },
  }
}
