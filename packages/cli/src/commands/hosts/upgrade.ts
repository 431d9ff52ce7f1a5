import process from "node:process"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { stateFailure } from "../../exitCodes.ts"
import { note } from "../../output.ts"
import { runProgram } from "../../running/runProgram.ts"

/** By how the program was installed, which its launcher says: the command that installs the newest version. */
const upgradeCommand = (): ReadonlyArray<string> | undefined => {
  const [how, ...path] = (process.env["SWEEP_INSTALLED"] ?? "").split(" ")
  if (how === "pip") return [path.join(" "), "-m", "pip", "install", "--upgrade", "sweep-ft"]
  if (how === "npm") return ["npm", "install", "--global", "sweep-ft@latest"]
  return undefined
}

export const upgrade = Command.make("upgrade", {}, () =>
  Effect.gen(function* () {
    const command = upgradeCommand()
    if (command === undefined) {
      return yield* stateFailure(
        "this is a clone of the repository: upgrade it with git pull; the next start prepares it.",
      )
    }
    yield* note(command.join(" "))
    yield* runProgram(command, "inherit").pipe(
      Effect.mapError(({ how }) => stateFailure(`the upgrade failed (${how}); its words are above.`)),
    )
  }),
).pipe(
  Command.withDescription(
    "Install the newest version, the way this one was installed. Coordinators and agents keep running theirs",
  ),
  Command.withExamples([{ command: "sweep upgrade", description: "pip or npm, whichever installed sweep" }]),
)
