// Which process a pid means. A pid alone is reused by the kernel; a pid with the moment the process started is not. Owns
// reading /proc for that; which processes belong to a trainer is ProcessTree's question.
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/** Elsewhere than on Linux there is no /proc: pids and process groups are then all the agent knows. */
export const hasProc = existsSync("/proc/self/stat")
/** The start time where it cannot be known. */
export const unknownStart = -1

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks between the machine's boot and the start of the process. */
  readonly startTime: number
}

export interface ProcessStatus extends ProcessIdentity {
  readonly state: string
  readonly parent: number
  readonly group: number
}

/** What /proc says of a process; `undefined` when there is none, or no /proc. */
export const processStatus = (pid: number): ProcessStatus | undefined => {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1")
  } catch {
    return undefined
  }
  // The command stands in parentheses and may itself contain spaces and parentheses: fields count from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return { pid, state: fields[0]!, parent: Number(fields[1]), group: Number(fields[2]), startTime: Number(fields[19]) }
}

/** A zombie runs no more: it only waits for its parent to look. */
const runs = (status: ProcessStatus): boolean => status.state !== "Z" && status.state !== "X"

export const isAlive = (identity: ProcessIdentity): boolean => {
  if (identity.pid <= 0) return false
  if (!hasProc) {
    try {
      return process.kill(identity.pid, 0)
    } catch {
      return false
    }
  }
  const status = processStatus(identity.pid)
  return status !== undefined && runs(status) && status.startTime === identity.startTime
}

/** Every process of the machine that runs, by pid. */
export const allProcesses = (): Map<number, ProcessStatus> => {
  const found = new Map<number, ProcessStatus>()
  if (!hasProc) return found
  for (const name of readdirSync("/proc")) {
    if (name.charCodeAt(0) < 48 || name.charCodeAt(0) > 57) continue
    const status = processStatus(Number(name))
    if (status !== undefined && runs(status)) found.set(status.pid, status)
  }
  return found
}

/**
 * Which host this is, also to others that see the same directories: a pid says something only there. A container has a
 * table of processes of its own and counts as a host of its own.
 */
export const hostId = (): string => {
  const machine = ["/etc/machine-id", "/var/lib/dbus/machine-id"].map(textOf).find((text) => text !== "") ?? ""
  let processes = ""
  try {
    processes = readlinkSync("/proc/self/ns/pid")
  } catch {
    // No namespaces here.
  }
  return createHash("sha256").update([machine, hostname(), processes].join("\0")).digest("hex").slice(0, 16)
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "latin1").trim()
  } catch {
    return ""
  }
}

/** Of this boot of the machine: a start time of another boot says nothing. */
export const bootId = (): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
  } catch {
    return "unknown"
  }
}
