import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { howToGoOn } from "../../running/howToGoOn.ts"
import { refuseSecretsIn } from "../../running/refuseSecrets.ts"
import { print, printJson } from "../../output.ts"

const trials = Flag.String("trials").pipe(
  Flag.withMetavar("N"),
  Flag.withDescription("Trials in all; +N for so many more"),
  Flag.optional,
)
const hours = Flag.Finite("hours").pipe(Flag.withDescription("Hours in all, without pauses"), Flag.optional)
const gpuHours = Flag.Finite("gpu-hours").pipe(Flag.withDescription("GPU hours in all"), Flag.optional)
const set = Flag.KeyValuePair("set").pipe(
  Flag.withMetavar("NAME=YAML"),
  Flag.withDescription("What a parameter takes from now on, as it would stand in the file"),
  Flag.withDefault({}),
)

const trialsIn = (sweep: SweepState, text: string) => {
  const match = /^(\+?)([1-9][0-9]{0,8})$/.exec(text)
  return match === null
    ? Effect.fail(badInput(`--trials: '${text}' is not a number of trials; write 40, or +20 for twenty more.`))
    : Effect.succeed(Number(match[2]) + (match[1] === "+" ? sweep.trials.size : 0))
}

const revised = Effect.fnUntraced(function* (
  sweep: SweepState,
  changes: Parameters<typeof import("@sweep/sweepfile/reviseSweep").reviseSweep>[1],
) {
  if (sweep.spec.source.text === "") {
    return yield* badInput(`${sweep.id} was not made from a file; name the file to extend it with.`)
  }
  for (const [name, text] of Object.entries(changes.parameters)) yield* refuseSecretsIn(`--set ${name}`, text)
  const { reviseSweep } = yield* Effect.promise(() => import("@sweep/sweepfile/reviseSweep"))
  const { renderProblems } = yield* Effect.promise(() => import("@sweep/sweepfile/renderProblems"))
  return yield* reviseSweep(sweep.spec, changes).pipe(
    Effect.catchTag("SpecErrors", (error) => Effect.fail(badInput(renderProblems(error.problems, error.text)))),
  )
})

export const extend = Command.make(
  "extend",
  {
    sweep: flags.sweep,
    file: Argument.String("FILE").pipe(
      Argument.withDescription("The sweep's file, changed; without it, --trials, --set …"),
      Argument.optional,
    ),
    trials,
    hours,
    gpuHours,
    set,
    coordinator: flags.coordinator,
    json: flags.json,
  },
  ({ sweep, file, trials, hours, gpuHours, set, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const given =
        [trials, hours, gpuHours].some((flag: Option.Option<unknown>) => Option.isSome(flag)) ||
        Object.keys(set).length > 0
      if (Option.isSome(file) === given) {
        return yield* badInput(
          given
            ? "A file says everything: leave out --trials, --hours, --gpu-hours and --set, or the file."
            : "Say what changes: a file, or --trials, --hours, --gpu-hours, --set.",
        )
      }
      const alone = (yield* findCoordinator(coordinator)) === undefined
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const state = yield* api.get(id)
        let spec: SweepSpec
        if (Option.isSome(file)) {
          const { noteWarnings, readSweepFile } = yield* Effect.promise(() => import("../../running/readSweepFile.ts"))
          const read = yield* readSweepFile(file.value)
          yield* noteWarnings(read)
          spec = read.spec
        } else {
          const budget = {
            ...(Option.isSome(trials) ? { trials: yield* trialsIn(state, trials.value) } : {}),
            ...(Option.isSome(hours) ? { hours: hours.value } : {}),
            ...(Option.isSome(gpuHours) ? { gpu_hours: gpuHours.value } : {}),
          }
          spec = yield* revised(state, { parameters: set, budget })
        }
        const revision = yield* api.extend(id, spec, state.revision)
        if (json) return yield* printJson({ sweep: id, revision })
        yield* print(`${id} is extended (revision ${revision})${howToGoOn(state, alone)}`)
      }).pipe((effect) => withApi(coordinator, effect), explainApi)
    }),
).pipe(
  Command.withDescription(
    "More trials, wider ranges, more values: a sweep that runs, or has ended, continues with them",
  ),
  Command.withExamples([
    { command: "sweep extend quickstart --trials +20", description: "Twenty more" },
    { command: "sweep extend quickstart --set 'rank=[4, 8, 16, 32]'", description: "Other values of one parameter" },
    { command: "sweep extend quickstart changed.yaml", description: "What the changed file says" },
  ]),
)
