// The agent's home directory: one agent at a time works in it, and it remembers the agent's id, so that a restarted
// agent is the same agent. Owns the lock and the id; what lies below `attempts/` is AttemptDirectory's.
import { createHash, randomBytes } from "node:crypto"
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join, resolve } from "node:path"
import { AgentId } from "@sweep/domain/Id"
import { defaultTimings, redispatchAfter } from "@sweep/domain/Lease"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { bootId, hostId, isAlive, processStatus } from "../process/ProcessIdentity.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

/** Thrown when another agent works in the home directory, or it cannot be written. */
export class HomeUnusable extends Schema.TaggedError<HomeUnusable>()("HomeUnusable", { message: Schema.String }) {}

export interface AgentHome {
  readonly directory: string
  readonly agent: AgentId
  /** Which host and which directory of it; another one is another agent, whatever its id. */
  readonly host: string
  /** Of the host: nothing that ran before it runs any more. */
  readonly boot: string
}

/** What stands in the lock. `host` and `boot` are absent in one of an earlier version, which knew of one host only. */
const Owner = Schema.fromJsonString(
  Schema.Struct({
    pid: Schema.Int,
    startTime: Schema.Finite,
    host: Schema.optionalKey(Schema.String),
    hostname: Schema.optionalKey(Schema.String),
    boot: Schema.optionalKey(Schema.String),
  }),
)
type Owner = Schema.Schema.Type<typeof Owner>
const decodeOwner = Schema.decodeUnknownOption(Owner)

/** Who asks for the lock, or holds it; a test asks as another host. */
export interface Place {
  readonly host: string
  readonly hostname: string
  readonly boot: string
}
export const thisPlace = (): Place => ({ host: hostId(), hostname: hostname(), boot: bootId() })

/** Milliseconds between two signs of life of the owner: the time of the lock file. */
const renewMillis = 20_000
/**
 * Milliseconds without a sign of life after which another host takes the lock: its owner's lease has ended by then, and
 * with it every trial. Both times are the file server's: clocks of two hosts differ.
 */
const abandonedMillis = redispatchAfter(defaultTimings)

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

/** Whether the owner works on. Of a process of another host only the file tells. */
const isOwned = (owner: Owner, place: Place, silentMillis: number): boolean => {
  const here = owner.host === undefined || owner.host === place.host
  if (!here) return silentMillis <= abandonedMillis
  // Nothing outlives a reboot of the same host.
  return (owner.boot === undefined || owner.boot === place.boot) && isAlive(owner)
}

/** The agent that holds the lock; `undefined` once it is ours, with `text` in it. */
const lock = (directory: string, place: Place, text: string): Owner | undefined => {
  const path = join(directory, "agent.lock")
  const draft = `${path}.${place.host}.${process.pid}`
  const judged = `${draft}.judged`
  writeFileSync(draft, text)
  try {
    // A link is made or refused in one step, and a lock with no content is never seen.
    for (let tries = 0; ; tries++) {
      try {
        linkSync(draft, path)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || tries === 3) throw error
      }
      const found = read(path)
      // A file server that answers twice: the first answer was lost.
      if (found === text) return undefined
      const owner = decodeOwner(found)
      const silent = statSync(draft).mtimeMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
      if (owner._tag === "Some" && isOwned(owner.value, place, silent)) return owner.value
      // Two may judge the same lock: what is taken away has to be what was judged.
      try {
        renameSync(path, judged)
      } catch {
        continue
      }
      if (read(judged) !== found) linkSync(judged, path)
      rmSync(judged, { force: true })
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
 * with who it is, `taken: "next"` tries `directory-2`, `directory-3` …, for a second agent on the same machine or another
 * host with the same home directory.
 */
export const claimHome = Effect.fn("AgentHome.claim")(function* (options: {
  readonly directory: string
  readonly taken: "refuse" | "next"
  readonly agent?: AgentId | undefined
  readonly idPrefix?: string | undefined
  readonly place?: Place
}) {
  const place = options.place ?? thisPlace()
  const text = JSON.stringify({
    pid: process.pid,
    startTime: processStatus(process.pid)?.startTime ?? 0,
    ...place,
    nonce: randomBytes(8).toString("hex"),
  })
  const claim = Effect.try({
    try: () => {
      for (let n = 1; ; n++) {
        const directory = resolve(n === 1 ? options.directory : `${options.directory}-${n}`)
        mkdirSync(join(directory, "attempts"), { recursive: true })
        const owner = lock(directory, place, text)
        if (owner === undefined) {
          // The same directory on another host, or another one here, is another agent's place.
          const host = createHash("sha256").update(`${place.host}\0${directory}`).digest("hex").slice(0, 16)
          return {
            directory,
            agent: options.agent ?? rememberedId(directory, options.idPrefix ?? ""),
            host,
            boot: place.boot,
          }
        }
        if (options.taken === "refuse" || n === 64) {
          const isElsewhere = owner.host !== undefined && owner.host !== place.host
          throw new HomeUnusable({
            message: isElsewhere
              ? `Another agent (process ${owner.pid} on ${owner.hostname ?? "another host"}) works in ${directory}. Give this one its own directory with --directory. If that host is gone for good, the directory is free ${Math.round(abandonedMillis / 60_000)} minutes after it was.`
              : `Another agent (process ${owner.pid}) works in ${directory}. Stop it, or give this one its own directory with --directory.`,
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
  const home = yield* Effect.acquireRelease(claim, ({ directory }) =>
    Effect.sync(() => {
      const path = join(directory, "agent.lock")
      if (read(path) === text) rmSync(path, { force: true })
    }),
  )
  const path = join(home.directory, "agent.lock")
  const lost = Deferred.makeUnsafe<string>()
  const renew = Effect.sync(() => {
    const found = read(path)
    if (found !== undefined && found !== text) {
      Deferred.doneUnsafe(lost, Effect.succeed(`another agent took ${home.directory} while this one stood still`))
      return
    }
    try {
      if (found === undefined) linkOwn(path, text)
      // The server's own clock stamps what is written to it.
      else writeFileSync(path, text)
    } catch {
      // A full disk or a file server that is away for a moment: tried again.
    }
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(renewMillis), renew)))
  return { ...home, lost: Deferred.await(lost) }
})

/** The lock was removed by hand: it is put back, unless somebody was quicker. */
const linkOwn = (path: string, text: string): void => writeFileSync(path, text, { flag: "wx" })
