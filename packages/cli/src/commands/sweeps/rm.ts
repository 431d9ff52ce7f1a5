import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import type { SweepId } from "@sweep/domain/Id"
import { type Removal, SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput, exitCodes, Failure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, print, printJson } from "../../output.ts"
import { bytes, plural } from "../../terminal/format.ts"

const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do not ask; needed where nobody can answer"),
  Flag.withDefault(false),
)

const says = ({ trials, points, files, bytes: size }: Removal): string =>
  `${plural(trials, "trial")}, ${plural(points, "metric point")}, ${plural(files, "file")} (${bytes(size)})`

/** Whether the person at the terminal wants it; without a terminal there is nobody to ask. */
const confirm = (sweep: SweepId, removal: Removal) =>
  process.stdin.isTTY === true && process.stdout.isTTY === true
    ? Prompt.run(Prompt.Confirm({ message: `Remove ${sweep} for good: ${says(removal)}?` })).pipe(
        Effect.mapError(() => new Failure({ text: `${sweep} stays.`, exitCode: exitCodes.interrupted })),
      )
    : badInput(
        `${sweep} would be removed for good: ${says(removal)}. There is no terminal to ask at; say it with: sweep rm ${sweep} --yes`,
      )

export const rm = Command.make(
  "rm",
  { sweep: flags.sweep, yes, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, yes, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const remove = (preview: boolean) =>
        Effect.gen(function* () {
          return yield* (yield* SweepApi).remove(id, { preview })
        }).pipe((effect) => withApi(coordinator, effect), explainApi)
      if (!yes && !(yield* confirm(id, yield* remove(true)))) return yield* note(`${id} stays.`)
      const removal = yield* remove(false)
      yield* json ? printJson({ removed: id, ...removal }) : print(`${id}: removed ${says(removal)}`)
    }),
).pipe(
  Command.withDescription("Remove a sweep that has ended, with its trials, metrics, logs and artifacts, for good"),
  Command.withExamples([
    { command: "sweep rm quickstart", description: "Says what goes, and asks" },
    { command: "sweep rm quickstart --yes --json", description: "From a script" },
  ]),
)
