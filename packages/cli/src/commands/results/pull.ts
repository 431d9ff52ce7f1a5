import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { adapterFolder } from "@sweep/domain/Artifact"
import { formatTrialRef } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, printJson, printLines } from "../../output.ts"
import { pullArtifacts } from "../../results/pullArtifacts.ts"
import { bytes } from "../../terminal/format.ts"
import { leaders } from "../../terminal/SweepView.ts"

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
      const { sweep, trial } = yield* flags.sweepOrTrialRef(of)
      const api = yield* SweepApi
      const state = yield* api.get(sweep)
      const number = trial ?? leaders(state)[0]?.trials[0].number
      if (number === undefined) {
        return yield* badInput(`no trial of ${sweep} has a result yet; name one: sweep pull ${sweep}/1`)
      }
      // Where the result is another sweep's, the files are, too.
      const from = state.trials.get(number)?.reusedFrom ?? { sweep, trial: number }
      const name = formatTrialRef(from)
      const kept = yield* api.artifacts(from.sweep, from.trial)
      const newest = Math.max(...kept.map(({ epoch }) => epoch))
      const prefix = `${adapterFolder}/`
      const wanted = kept.filter(({ epoch, path }) => epoch === newest && (all || path.startsWith(prefix)))
      if (wanted.length === 0) {
        const rule = (from.sweep === sweep ? state : yield* api.get(from.sweep)).spec.artifacts
        return yield* badInput(
          kept.length > 0
            ? `no adapter of ${name} is kept, only checkpoints; fetch them with --all`
            : rule === "none"
              ? `no files of ${name} are kept: the sweep file of ${from.sweep} says 'artifacts: none', so they stay on the box that trained it`
              : `no files of ${name} are kept (yet): they come when the trial has ended, and of failed and cancelled ones none are kept; 'sweep artifacts ${from.sweep}' lists what there is`,
        )
      }
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
