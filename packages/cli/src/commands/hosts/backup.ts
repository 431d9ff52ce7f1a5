// `backup` and `restore` of the database of a state directory.
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput, stateFailure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { home, readNote } from "../../serving/home.ts"
import { writeWhole } from "../../serving/writeWhole.ts"
import { print, printJson } from "../../output.ts"
import { bytes } from "../../terminal/format.ts"

export const backup = Command.make(
  "backup",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("Where to write it; a file that is there is kept")),
    coordinator: flags.coordinator,
    json: flags.json,
  },
  ({ file, coordinator, json }) =>
    Effect.gen(function* () {
      const path = resolve(file)
      if (existsSync(path)) return yield* badInput(`${path} is there already; it is not overwritten`)
      const size = yield* writeWhole(path, (yield* SweepApi).backup)
      yield* json ? printJson({ file: path, bytes: size }) : print(`${path} (${bytes(size)})`)
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Copy the whole database, as of one moment, also while a coordinator writes to it"),
  Command.withExamples([{ command: "sweep backup sweep-monday.duckdb", description: "Sweeps continue meanwhile" }]),
)

const replace = Flag.Boolean("replace").pipe(
  Flag.withDescription("Move the database that is there aside, and put the backup in its place"),
  Flag.withDefault(false),
)

export const restore = Command.make(
  "restore",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("What 'sweep backup' wrote")),
    replace,
    json: flags.json,
  },
  ({ file, replace, json }) =>
    Effect.gen(function* () {
      const at = yield* home
      const running = readNote(at)
      if (running !== undefined) {
        return yield* stateFailure(
          `a coordinator (process ${running.pid}) runs on ${at.directory}; stop it, restore, and start it again`,
        )
      }
      const store = yield* Effect.promise(() => import("@sweep/store/restore"))
      const done = yield* store
        .restore({ file, directory: at.store, replace })
        .pipe(Effect.mapError((error) => stateFailure(error.message)))
      if (json) return yield* printJson(done)
      yield* print(
        `${at.directory} has ${done.sweeps} sweeps of the backup again` +
          (done.movedTo === null ? "" : `; what was there is ${done.movedTo}`),
      )
    }),
).pipe(
  Command.withDescription("Put a backup in the place of this state directory's database; no coordinator may run"),
  Command.withExamples([
    { command: "sweep restore sweep-monday.duckdb", description: "Into a state directory that has no database" },
    {
      command: "sweep restore sweep-monday.duckdb --replace",
      description: "What is there is moved aside, not removed",
    },
  ]),
)
