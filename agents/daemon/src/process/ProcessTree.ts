// The processes a trainer consists of: the one the agent started, its descendants, its process group, and whoever
// carries its mark in the environment (a child that called setsid and lost its parent). Owns finding and ending them;
// never touches a process that has none of these ties, and checks the start time so that a reused pid is left alone.
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { allProcesses, hasProc, isAlive, type ProcessIdentity, processStatus, unknownStart } from "./ProcessIdentity.ts"

/** The environment variable whose value ties a process to the trainer it belongs to. */
export const treeVariable = "SWEEP_TREE"

/**
 * A started trainer. It leads its own process group: `pid` is the group, too. `pid` 0 is a trainer about to be started:
 * should the agent die in that moment, the mark still finds it.
 */
export const ProcessTree = Schema.Struct({ pid: Schema.Int, startTime: Schema.Finite, mark: Schema.String })
export type ProcessTree = typeof ProcessTree.Type

/** The tree of a child just started with `mark` in its environment. */
export const treeOf = (pid: number, mark: string): ProcessTree => ({
  pid,
  startTime: processStatus(pid)?.startTime ?? unknownStart,
  mark,
})

const carriesMark = (pid: number, mark: string): boolean => {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1")
    return `\0${environment}`.includes(`\0${treeVariable}=${mark}\0`)
  } catch {
    // Ended meanwhile, or another user's: not ours.
    return false
  }
}

/** Whether the process that was started then is the one that has the pid now: start time and mark both have to agree. */
export const isRunning = (tree: ProcessTree): boolean => isAlive(tree) && carriesMark(tree.pid, tree.mark)

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The processes of the tree that still run. */
export const members = (tree: ProcessTree): ReadonlyArray<ProcessIdentity> => {
  if (!hasProc) {
    const group = { pid: -tree.pid, startTime: unknownStart }
    return tree.pid > 0 && exists(group.pid) ? [group] : []
  }
  const all = allProcesses()
  const root = all.get(tree.pid)
  const pidReused = root !== undefined && root.startTime !== tree.startTime
  const found = new Set<number>()
  for (const process of all.values()) {
    if (process.pid === tree.pid) {
      if (!pidReused) found.add(process.pid)
    } else if (tree.pid > 0 && process.group === tree.pid && !pidReused) {
      found.add(process.pid)
    } else if (process.startTime >= tree.startTime && carriesMark(process.pid, tree.mark)) {
      // Older processes than the trainer need no look: reading every environment of a busy host takes longer than a short trial.
      found.add(process.pid)
    }
  }
  // Children of members, until no more are found: an intermediate that cleared its environment hides no one.
  for (let size = -1; size !== found.size;) {
    size = found.size
    for (const process of all.values()) if (found.has(process.parent)) found.add(process.pid)
  }
  found.delete(1)
  found.delete(process.pid)
  return Array.from(found, (pid) => all.get(pid)!)
}

/** Sends a signal to one process, unless its pid has passed to another. */
export const signal = (identity: ProcessIdentity, name: NodeJS.Signals): void => {
  if (identity.startTime !== unknownStart && !isAlive(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch {
    // Ended between the look and the signal.
  }
}

/**
 * The members, and whoever was one at an earlier look and is not gone: a process that ends gives up its environment, by
 * which it is found, before its memory and its devices.
 */
const remaining = (tree: ProcessTree, earlier: Map<number, ProcessIdentity>): ReadonlyArray<ProcessIdentity> => {
  const now = members(tree)
  for (const process of now) earlier.set(process.pid, process)
  const found = new Set(now.map((process) => process.pid))
  return [...now, ...[...earlier.values()].filter((process) => !found.has(process.pid) && isAlive(process))]
}

const pollMillis = 20
/** How long a killed process may take to go. One that is still there waits in the kernel for a device. */
const killWaitMillis = 10_000

/** SIGKILL to the whole tree, again until none is left. Returns the pids that did not go within ten seconds. */
export const kill = Effect.fn("ProcessTree.kill")(function* (tree: ProcessTree) {
  const earlier = new Map<number, ProcessIdentity>()
  for (let waited = 0; ; waited += pollMillis) {
    const left = remaining(tree, earlier)
    if (left.length === 0) return []
    for (const process of left) signal(process, "SIGKILL")
    if (waited >= killWaitMillis) return left.map((process) => process.pid)
    yield* Effect.sleep(pollMillis)
  }
})

/**
 * SIGTERM to the trainer, then to what it leaves behind, then SIGKILL to whatever remains after `grace` milliseconds.
 * Workers get no signal while their trainer lives: it would see them die before it has saved its checkpoint.
 * Returns the pids that could not be ended.
 */
export const terminate = Effect.fn("ProcessTree.terminate")(function* (tree: ProcessTree, grace: number) {
  const asked = new Set<number>()
  const ask = (process: ProcessIdentity) => {
    if (asked.has(process.pid)) return
    asked.add(process.pid)
    signal(process, "SIGTERM")
    // One that is stopped gets the signal only when it continues.
    signal(process, "SIGCONT")
  }
  const earlier = new Map<number, ProcessIdentity>()
  if (isAlive(tree)) ask(tree)
  for (let waited = 0; waited < grace; waited += pollMillis) {
    // A look at one process while the trainer lives; at all of them only after.
    if (!isAlive(tree)) {
      const left = remaining(tree, earlier)
      if (left.length === 0) return []
      for (const process of left) ask(process)
    }
    yield* Effect.sleep(pollMillis)
  }
  return yield* kill(tree)
})
