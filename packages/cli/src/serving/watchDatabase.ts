// Looks every few seconds whether the database that a coordinator has open is still the file of its name, and says it loudly
// when it is not. The store refuses to acknowledge by itself; this is for the hours in which nothing is written.
import { statSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"

const inode = (file: string) => {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}

/** Until its scope closes. `directory`: where the open database lies. Returns whether it is still in its place. */
export const watchDatabase = Effect.fn("watchDatabase")(function* (directory: string) {
  const file = join(directory, "sweep.duckdb")
  const opened = inode(file)
  const alarm = Effect.logError(
    `${file} was removed or replaced while this coordinator has it open. Nothing more is acknowledged; agents keep what they have. ` +
      "Save what was acknowledged now, while this process lives: sweep backup FILE",
  )
  const inPlace = () => inode(file) === opened
  const look = Effect.suspend(() =>
    inPlace() ? Effect.sleep("5 seconds") : Effect.andThen(alarm, Effect.sleep("1 minute")),
  )
  yield* Effect.forkScoped(Effect.forever(look))
  return inPlace
})
