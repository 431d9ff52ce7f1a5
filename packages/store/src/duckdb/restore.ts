// Puts a backup in the place of a database. Owns that the copy is proven to open before anything is replaced, that what was
// there is kept, and that attempts of the time after the backup are not taken for new ones.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Epoch } from "@sweep/domain/Id"
import { layer } from "./DuckdbStore.ts"
import { Store, StoreError } from "../Store.ts"
import { storeFailure } from "./storeFailure.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

/** Attempts of after the backup may still run, under numbers the copy knows nothing of: new ones begin beyond them. */
const epochsAhead = 1_000_000

/** What belongs to a database. */
const files = ["", ".wal", ".mark"]

export interface Restored {
  readonly sweeps: number
  readonly facts: number
  /** Where the database that was there is now. */
  readonly movedTo: string | null
}

/**
 * Puts the copy `file` in the place of the database in `directory`. What is there is refused, or with `replace` moved
 * aside. Fails with a `StoreError` when a coordinator has it open, or the copy cannot be opened; then nothing was changed.
 */
export const restore = Effect.fn("restore")(function* (options: {
  readonly file: string
  readonly directory: string
  readonly replace: boolean
}): Effect.fn.Return<Restored, StoreError> {
  const { file, directory, replace } = options
  const target = join(directory, "sweep.duckdb")
  const there = files.some((suffix) => existsSync(target + suffix))
  if (there && !replace) {
    return yield* new StoreError({
      reason: "io",
      message: `${target} is there already; --replace moves it aside and puts the backup in its place`,
    })
  }
  // Whatever else is wrong with it: it may not be somebody's.
  if (there) {
    yield* Effect.scoped(Effect.asVoid(Store).pipe(Effect.provide(layer({ directory })))).pipe(
      Effect.catchTag("StoreError", (error) => (error.reason === "locked" ? Effect.fail(error) : Effect.void)),
    )
  }
  return yield* Effect.acquireUseRelease(
    Effect.try({
      try: () => {
        mkdirSync(directory, { recursive: true })
        return mkdtempSync(join(directory, "restoring-"))
      },
      catch: (cause) => storeFailure(directory, cause),
    }),
    (stage) =>
      Effect.gen(function* () {
        yield* Effect.try({
          try: () => {
            if (!statSync(file).isFile()) throw new Error(`${file} is not a file`)
            copyFileSync(file, join(stage, "sweep.duckdb"))
          },
          catch: (cause) =>
            new StoreError({ reason: "io", message: `the backup cannot be read: ${fileProblem(cause)}` }),
        })
        const now = yield* Clock.currentTimeMillis
        const found = yield* Effect.gen(function* () {
          const store = yield* Store
          const facts = yield* store.facts
          const epoch = Epoch.make((yield* store.lastEpoch) + epochsAhead)
          yield* store.append([{ _tag: "StoreRestored", at: now, epoch, from: resolve(file) }])
          return { facts: facts.length, sweeps: facts.filter(({ _tag }) => _tag === "SweepSubmitted").length }
        }).pipe(
          Effect.provide(layer({ directory: stage })),
          Effect.mapError((error) =>
            error.reason === "corrupt"
              ? new StoreError({
                  reason: "corrupt",
                  message: `${file} is no backup of sweep, or damaged; nothing was changed`,
                })
              : error,
          ),
        )
        const movedTo = there ? `${target}.before-restore-${now}` : null
        yield* Effect.try({
          try: () => {
            if (movedTo !== null) {
              for (const suffix of files) {
                if (existsSync(target + suffix)) renameSync(target + suffix, movedTo + suffix)
              }
            }
            for (const suffix of [".wal", "", ".mark"]) {
              const staged = join(stage, `sweep.duckdb${suffix}`)
              if (existsSync(staged)) renameSync(staged, target + suffix)
            }
          },
          catch: (cause) => storeFailure(target, cause),
        })
        return { ...found, movedTo }
      }),
    (stage) => Effect.sync(() => rmSync(stage, { recursive: true, force: true })),
  )
})
