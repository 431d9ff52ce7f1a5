import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { keptAdapter } from "../../models/keptAdapter.ts"
import { note, printJson, printLines } from "../../output.ts"
import { pullArtifacts } from "../../results/pullArtifacts.ts"
import { bytes } from "../../terminal/format.ts"

const to = Flag.String("to").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Where to; SWEEP-N here unless given"),
  Flag.optional,
)
const all = Flag.Boolean("all").pipe(
  Flag.withDescription("Checkpoints, too: every kept file, in folders as the trial wrote them"),
  Flag.withDefault(false),
)
const force = Flag.Boolean("force").pipe(
  Flag.withDescription("Overwrite files that are there already and differ"),
  Flag.withDefault(false),
)

export const pull = Command.make(
  "pull",
  { of: flags.sweepOrTrial, to, all, force, coordinator: flags.coordinator, json: flags.json },
  ({ of, to, all, force, coordinator, json }) =>
    Effect.gen(function* () {
      const ref = yield* flags.sweepOrTrialRef(of)
      const { sweep } = ref
      const { number, from, name, files: wanted, prefix } = yield* keptAdapter(ref, all)
      const directory = resolve(Option.getOrElse(to, () => `${sweep}-${number}`))
      const total = wanted.reduce((sum, file) => sum + file.bytes, 0)
      let done = 0
      const showing = process.stderr.isTTY && !json
      const files = yield* pullArtifacts(from.sweep, wanted, {
        directory,
        nameOf: (path) => (all ? path : path.slice(prefix.length)),
        force,
        onBytes: (more) => {
          done += more
          if (showing) process.stderr.write(`\r\u001b[2K${bytes(Math.min(done, total))} of ${bytes(total)}`)
        },
      })
      if (showing) process.stderr.write("\r\u001b[2K")
      if (json) return yield* printJson({ sweep, trial: number, directory, files })
      yield* printLines(
        files.map(({ path, bytes: size, present }) => `${path}  ${bytes(size)}${present ? "  (was here)" : ""}`),
      )
      if (!all)
        yield* note(`the adapter of ${name}, for PEFT: PeftModel.from_pretrained(model, ${JSON.stringify(directory)})`)
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Fetch a trial's adapter, or that of a sweep's best trial"),
  Command.withExamples([
    { command: "sweep pull quickstart", description: "The best trial's adapter, into quickstart-N/" },
    { command: "sweep pull quickstart/3 --to adapter", description: "That of trial 3, into adapter/" },
  ]),
)
