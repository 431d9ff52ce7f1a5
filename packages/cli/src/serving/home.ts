// The state directory: `.sweep` where the command runs, or SWEEP_HOME. Owns its layout and the note a coordinator
// leaves there so that other commands find it; what is inside the database is the store's.
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { bootId, hasProc, isAlive, processStatus } from "@sweep/daemon/ProcessIdentity"
import type { SweepId } from "@sweep/domain/Id"
import { stateFailure } from "../exitCodes.ts"
import { fileProblem } from "@sweep/domain/fileProblem"
import { makeFolder } from "../folders.ts"

export interface Home {
  readonly directory: string
  readonly store: string
  readonly agent: string
  /** Files of trials that the coordinator keeps; SWEEP_ARTIFACTS puts them elsewhere, such as on a disk all hosts share. */
  readonly artifacts: string
  /** Files of the source snapshots of sweeps, as they were sent to the coordinator. */
  readonly sources: string
  /** Files made once per sweep before it is submitted, such as a data split. */
  readonly prepared: string
  readonly report: (sweep: SweepId) => string
  /** The certificate authority of this state directory's coordinator. */
  readonly authority: string
  /** The tokens it accepts, as hashes. */
  readonly tokens: string
  /** Where access files are written unless told otherwise. */
  readonly accessFile: (name: string) => string
  /** The identity of the agent that joined a coordinator from here. */
  readonly joined: string
}

export const homeAt = (directory: string): Home => ({
  directory,
  store: directory,
  agent: join(directory, "agent"),
  artifacts: resolve(process.env["SWEEP_ARTIFACTS"] ?? join(directory, "artifacts")),
  sources: join(directory, "sources"),
  prepared: join(directory, "data"),
  report: (sweep) => join(directory, "reports", `${sweep}.html`),
  authority: join(directory, "tls"),
  tokens: join(directory, "tls", "tokens.json"),
  accessFile: (name) => join(directory, "access", `${name}.json`),
  joined: join(directory, "joined.json"),
})

export const home = Effect.sync(() => homeAt(resolve(process.env["SWEEP_HOME"] ?? ".sweep")))

/**
 * Makes the directory, or takes the one that is there, for its owner alone: data, logs and answers of a model are in it.
 * A directory that everybody shares (with the sticky bit, such as /tmp) is left as it is. Fails when it cannot be written.
 */
export const ensureHome = (at: Home) =>
  Effect.try({
    try: () => {
      makeFolder(at.directory, 0o700)
      const { mode, uid } = statSync(at.directory)
      const shared = (mode & 0o1000) !== 0 || uid !== process.getuid?.()
      if ((mode & 0o077) !== 0 && !shared) chmodSync(at.directory, 0o700)
    },
    catch: (cause) =>
      stateFailure(
        `cannot create the state directory ${at.directory}: ${fileProblem(cause)}\nSet SWEEP_HOME to a directory you can write to.`,
      ),
  })

export interface CoordinatorNote {
  readonly pid: number
  /** When that process began, in clock ticks since the boot `boot`. Absent in a note of an older sweep. */
  readonly startTime?: number
  readonly boot?: string
  /** host:port */
  readonly address: string
  /** host:port as other hosts reach it, where that differs. */
  readonly reached?: string
  readonly version: string
  /** The access file for commands of this state directory, when the coordinator asks for one. */
  readonly access?: string
  /** Of the page, when one is served. */
  readonly page?: string
  /** That it ends with the sweep of the command it belongs to. */
  readonly passing?: boolean
}

const notePath = (at: Home) => join(at.directory, "coordinator.json")

/** A pid alone may be anybody's by now: in a container it is 1 every time. */
const isRunning = ({ pid, startTime, boot }: CoordinatorNote): boolean => {
  if (boot !== undefined && boot !== bootId()) return false
  if (hasProc && startTime !== undefined) return isAlive({ pid, startTime })
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** The coordinator that owns this state directory now, if one does. */
export const readNote = (at: Home): CoordinatorNote | undefined => {
  const path = notePath(at)
  if (!existsSync(path)) return undefined
  try {
    const note = JSON.parse(readFileSync(path, "utf8")) as CoordinatorNote
    return isRunning(note) ? note : undefined
  } catch {
    return undefined
  }
}

/** Left for as long as the scope lives. */
export const leaveNote = (at: Home, left: Omit<CoordinatorNote, "pid" | "startTime" | "boot">) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = notePath(at)
      const startTime = processStatus(process.pid)?.startTime
      const note = { pid: process.pid, ...(startTime === undefined ? {} : { startTime, boot: bootId() }), ...left }
      writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(note)}\n`)
      renameSync(`${path}.${process.pid}`, path)
    }),
    () =>
      Effect.sync(() => {
        if (readNote(at)?.pid === process.pid) rmSync(notePath(at), { force: true })
      }),
  )
