// `sweep serve --backup-to DIR --every 1h --keep 24`: a backup in every interval, read back whole before it gets its name,
// the oldest removed. A backup that fails is an error in the log, and the next one is tried.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { acknowledgedIn, verifyBackup } from "@sweep/store/verifyBackup"
import { badInput } from "../exitCodes.ts"
import { writeWhole } from "./writeWhole.ts"
import { makeFolder } from "../folders.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

export interface Schedule {
  readonly directory: string
  readonly every: Duration.Duration
  readonly keep: number
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Shorter, and a large database is copied without end. */
const shortest = 10_000

/** What the flags say, or a failure that says what they have to be; `undefined` without `--backup-to`. */
export const readSchedule = (flags: {
  readonly backupTo: string | undefined
  readonly every: string | undefined
  readonly keep: number | undefined
}) =>
  Effect.gen(function* () {
    const { backupTo, every = "1h", keep = 24 } = flags
    if (backupTo === undefined) {
      if (flags.every === undefined && flags.keep === undefined) return undefined
      return yield* badInput("--every and --keep are about backups: say where they go with --backup-to DIR")
    }
    const [, count, unit] = /^(\d+)([smhd])$/.exec(every) ?? []
    const millis = Number(count) * (units[unit ?? ""] ?? Number.NaN)
    if (!(millis >= shortest && millis <= 366 * units["d"]!)) {
      return yield* badInput(`--every ${every}: expected a time from 10s to 366d, such as 30m, 1h or 1d`)
    }
    if (keep < 1) return yield* badInput(`--keep ${keep}: expected 1 or more`)
    return { directory: resolve(backupTo), every: Duration.millis(millis), keep } satisfies Schedule
  })

/** Sorted, they are oldest first. */
const named = /^sweep-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.duckdb$/
const nameAt = (millis: number) => `sweep-${new Date(millis).toISOString().slice(0, 19).replaceAll(":", "-")}Z.duckdb`

/** Takes one now and returns its path; those beyond `keep` go. `store`: the folder of the database. */
export const takeBackup = Effect.fn("takeBackup")(function* (
  store: string,
  { directory, keep }: Pick<Schedule, "directory" | "keep">,
) {
  const path = join(directory, nameAt(yield* Clock.currentTimeMillis))
  const draft = join(directory, ".unverified.duckdb")
  const acknowledged = acknowledgedIn(store)
  yield* Effect.sync(() => rmSync(draft, { force: true }))
  const bytes = yield* writeWhole(draft, (yield* SweepApi).backup)
  const found = yield* verifyBackup(draft, acknowledged)
  yield* Effect.try(() => {
    renameSync(draft, path)
    const all = readdirSync(directory)
      .filter((name) => named.test(name))
      .sort()
    for (const name of all.slice(0, Math.max(0, all.length - keep))) rmSync(join(directory, name))
  })
  return { path, bytes, ...found }
})

/** When the newest one was taken, by its file, in milliseconds since the Unix epoch; 0 when there is none. */
export const newestBackup = (directory: string): number =>
  Math.max(
    0,
    ...(existsSync(directory) ? readdirSync(directory) : [])
      .filter((name) => named.test(name))
      .map((name) => statSync(join(directory, name)).mtimeMs),
  )

/** Without end. Fails at once when the folder cannot be made. */
export const scheduledBackups = Effect.fn("scheduledBackups")(function* (store: string, schedule: Schedule) {
  const { directory, every } = schedule
  if (!existsSync(directory)) {
    yield* Effect.try({
      try: () => makeFolder(directory, 0o700),
      catch: (cause) => badInput(`--backup-to ${directory}: ${fileProblem(cause)}`),
    })
  }
  const due = newestBackup(directory) + Duration.toMillis(every) - (yield* Clock.currentTimeMillis)
  const once = takeBackup(store, schedule).pipe(
    Effect.flatMap(({ path, facts, points }) =>
      Effect.logInfo(`backup ${path}: ${facts} facts and ${points} points, all of it read back`),
    ),
    Effect.catch((error) =>
      Effect.logError(
        `the backup to ${directory} failed and is tried again in ${Duration.format(every)}: ${error.message}`,
      ),
    ),
  )
  return yield* Effect.sleep(Duration.millis(Math.max(0, Math.min(due, Duration.toMillis(every))))).pipe(
    Effect.andThen(Effect.forever(Effect.andThen(once, Effect.sleep(every)))),
    Effect.forkScoped,
  )
})
