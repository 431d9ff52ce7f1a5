// The agent's home directory: one agent at a time works in it, and it remembers the agent's id, so that a restarted
// agent is the same agent. Owns the lock and the id; what lies below `attempts/` is AttemptDirectory's.
import { randomBytes } from "node:crypto"
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join, resolve } from "node:path"
import { AgentId } from "@sweep/domain/Id"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isAlive, processStatus } from "../process/ProcessIdentity.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

/** Thrown when another agent works in the home directory, or it cannot be written. */
export class HomeUnusable extends Schema.TaggedError<HomeUnusable>()("HomeUnusable", { message: Schema.String }) {}

export interface AgentHome {
  readonly directory: string
  readonly agent: AgentId
}

const Owner = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, startTime: Schema.Finite }))
const decodeOwner = Schema.decodeUnknownOption(Owner)

/** Written whole or not at all, also when the machine stops in the middle. */
export const writeAtomically = (path: string, text: string): void => {
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, text)
  renameSync(draft, path)
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** The pid of the agent that holds the lock; `undefined` once it is ours. */
const lock = (directory: string): number | undefined => {
  const path = join(directory, "agent.lock")
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime: processStatus(process.pid)?.startTime ?? 0 }))
  try {
    // A link is made or refused in one step, and a lock with no content is never seen.
    for (let tries = 0; ; tries++) {
      try {
        linkSync(draft, path)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || tries === 3) throw error
      }
      const owner = decodeOwner(read(path))
      if (owner._tag === "Some" && isAlive(owner.value)) return owner.value.pid
      rmSync(path, { force: true })
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

const rememberedId = (directory: string, prefix: string): AgentId => {
  const path = join(directory, "agent.id")
  const known = Schema.decodeUnknownOption(AgentId)(read(path)?.trim())
  if (known._tag === "Some" && known.value.startsWith(prefix)) return known.value
  const host =
    hostname()
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 100 - Math.min(64, prefix.length)) || "agent"
  const id = AgentId.make(`${prefix}${host}-${randomBytes(3).toString("hex")}`)
  writeAtomically(path, `${id}\n`)
  return id
}

/**
 * Takes `directory` for this process until the scope closes. When an agent already works in it: `taken: "refuse"` fails
 * with its pid, `taken: "next"` goes on to `directory-2`, `directory-3` …, for a second agent on the same machine.
 */
export const claimHome = Effect.fn("AgentHome.claim")(function* (options: {
  readonly directory: string
  readonly taken: "refuse" | "next"
  readonly agent?: AgentId | undefined
  readonly idPrefix?: string | undefined
}) {
  const claim = Effect.try({
    try: () => {
      for (let n = 1; ; n++) {
        const directory = resolve(n === 1 ? options.directory : `${options.directory}-${n}`)
        mkdirSync(join(directory, "attempts"), { recursive: true })
        const owner = lock(directory)
        if (owner === undefined)
          return { directory, agent: options.agent ?? rememberedId(directory, options.idPrefix ?? "") }
        if (options.taken === "refuse" || n === 64) {
          throw new HomeUnusable({
            message: `Another agent (process ${owner}) works in ${directory}. Stop it, or give this one its own directory with --directory.`,
          })
        }
      }
    },
    catch: (error) =>
      error instanceof HomeUnusable
        ? error
        : new HomeUnusable({
            message: `The agent cannot use ${options.directory}: ${fileProblem(error)}.`,
          }),
  })
  return yield* Effect.acquireRelease(claim, (home) =>
    Effect.sync(() => rmSync(join(home.directory, "agent.lock"), { force: true })),
  )
})
