import { cpSync, existsSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { stateFailure } from "../../exitCodes.ts"
import { note } from "../../output.ts"
import { programRoot } from "../../programRoot.ts"

const file = "sweeps/quickstart.yaml"
const parts = [file, "sweeps/quickstart/train.json", "sweeps/quickstart/eval.json", "sweeps/quickstart/base-model"]

export const quickstart = Command.make("quickstart", {}, () =>
  Effect.gen(function* () {
    const missing = parts.filter((path) => !existsSync(path))
    yield* Effect.try({
      try: () => {
        for (const path of missing) cpSync(join(programRoot, path), path, { recursive: true })
      },
      catch: (error) => stateFailure(`cannot write the quickstart to ${process.cwd()}: ${(error as Error).message}`),
    })
    yield* note(
      `${missing.length === 0 ? `${file} is there already` : `wrote ${file}, its data and its base model`}. Run it: sweep run ${file}`,
    )
  }),
).pipe(
  Command.withDescription(
    "Write the quickstart here: a sweep file, its data and a tiny base model. What exists is kept",
  ),
  Command.withExamples([{ command: "sweep quickstart", description: "Then: sweep run sweeps/quickstart.yaml" }]),
)
