// What stays on the agent's disk of attempts whose end is committed. The rule: adapter, events, logs and the small files
// stay; checkpoints only of a released attempt, which may come back here, and not where the disk is about to be full; all of
// it within a total, the oldest going first, and nothing of it where the disk has no room for another attempt otherwise. What trials of a sweep share goes with a start of the agent that finds no attempt of the sweep any more. Owns
// deleting, in the background: nothing waits for it.
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs"
import { readdir, rm, stat } from "node:fs/promises"
import { basename, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { type AttemptDirectory, cacheFolder, keptAttempts } from "./AttemptDirectory.ts"
import { removeCopy } from "../sources/placeSources.ts"
import type { Disk } from "../host/disk.ts"

export const defaultKeptBytes = 20 * 1024 ** 3

export interface Retention {
  readonly keep: (directory: AttemptDirectory, what: { readonly checkpoints: boolean }) => Effect.Effect<void>
  readonly forget: (directory: AttemptDirectory) => Effect.Effect<void>
  /** The disk has no room for another attempt: what is kept of those that are over goes, the oldest first. */
  readonly relieve: Effect.Effect<void>
}

const bytesBelow = async (path: string): Promise<number> => {
  let total = 0
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    const inner = join(path, entry.name)
    total += entry.isDirectory()
      ? await bytesBelow(inner)
      : await stat(inner).then(
          ({ size }) => size,
          () => 0,
        )
  }
  return total
}

/** Before anything is assigned, so that no trainer is looking. */
const removeUnusedCaches = (home: string): void => {
  const folder = cacheFolder(home)
  if (!existsSync(folder)) return
  const used = new Set<string>(keptAttempts(home).map(({ record }) => record.sweep))
  for (const sweep of readdirSync(folder)) {
    if (!used.has(sweep)) rmSync(join(folder, sweep), { recursive: true, force: true })
  }
}

/** Where directories lie that are being removed. */
const removing = (home: string): string => join(home, "removing")

/** The new place of the directory, or the old one where it cannot be moved. */
const setAside = (home: string, path: string): string => {
  const aside = join(removing(home), `${basename(path)}-${randomBytes(4).toString("hex")}`)
  try {
    mkdirSync(removing(home), { recursive: true })
    renameSync(path, aside)
    return aside
  } catch {
    return path
  }
}

export const makeRetention = (
  home: string,
  disk: Disk,
  keptBytes: number,
): Effect.Effect<Retention, never, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.sync(() => {
      removeUnusedCaches(home)
      rmSync(removing(home), { recursive: true, force: true })
    })
    // One at a time, in order: what came first counts as oldest.
    const work = yield* Queue.unbounded<() => Promise<void>>()
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(work), (job) => Effect.promise(job))))
    /** Bytes of each settled attempt, oldest first. */
    const kept = new Map<string, number>()
    let total = 0

    const remove = async (path: string) => {
      total -= kept.get(path) ?? 0
      kept.delete(path)
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
    const add = async (path: string) => {
      const bytes = await bytesBelow(path)
      total += bytes - (kept.get(path) ?? 0)
      kept.delete(path)
      kept.set(path, bytes)
      for (const [oldest] of kept) {
        if (total <= keptBytes) break
        await remove(oldest)
      }
    }
    const relieve = async () => {
      for (const [oldest] of kept) {
        if (disk.problem() === undefined) break
        await remove(oldest)
      }
    }
    const settle = async (directory: AttemptDirectory, checkpoints: boolean) => {
      if (!checkpoints || disk.problem() !== undefined)
        await rm(directory.checkpoints, { recursive: true, force: true }).catch(() => undefined)
      await removeCopy(directory).catch(() => undefined)
      await add(directory.path)
      await relieve()
    }
    const inBackground = (job: () => Promise<void>) => Effect.asVoid(Queue.offer(work, job))

    yield* inBackground(async () => {
      const settled = keptAttempts(home).filter(({ record }) => record.settled && record.handedOver !== false)
      for (const { directory, record } of settled.sort((a, b) => a.record.epoch - b.record.epoch)) {
        // What an earlier life of the agent did not come to do any more.
        await settle(directory, record.end?._tag === "Released")
      }
    })

    return {
      keep: (directory, { checkpoints }) => inBackground(() => settle(directory, checkpoints)),
      forget: (directory) =>
        Effect.suspend(() => {
          // Out of the way at once: its number may be another attempt's next.
          const aside = setAside(home, directory.path)
          return inBackground(() => remove(aside))
        }),
      relieve: inBackground(relieve),
    }
  })
