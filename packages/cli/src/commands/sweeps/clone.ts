import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { formatTrialRef } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { howToGoOn } from "../../running/howToGoOn.ts"
import { print, printJson } from "../../output.ts"

const set = Flag.KeyValuePair("set").pipe(
  Flag.withMetavar("NAME=VALUE"),
  Flag.withDescription("A parameter that differs"),
  Flag.withDefault({}),
)

export const clone = Command.make(
  "clone",
  { trial: flags.trial, set, coordinator: flags.coordinator, json: flags.json },
  ({ trial, set, coordinator, json }) =>
    Effect.gen(function* () {
      const ref = yield* flags.trialRef(trial)
      const { parameterValues } = yield* Effect.promise(() => import("../../results/parameterValues.ts"))
      const changes = yield* parameterValues(set)
      if (Object.keys(changes).length === 0) {
        return yield* badInput("Say what differs: --set NAME=VALUE, such as --set learning_rate=1e-4.")
      }
      const alone = (yield* findCoordinator(coordinator)) === undefined
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const trials = yield* api.clone(ref.sweep, ref.trial, changes)
        if (json) return yield* printJson({ sweep: ref.sweep, clone_of: ref.trial, trials })
        const names = trials.map((number) => formatTrialRef({ sweep: ref.sweep, trial: number })).join(", ")
        yield* print(`${names} will run next${howToGoOn(yield* api.get(ref.sweep), alone)}`)
      }).pipe((effect) => withApi(coordinator, effect), explainApi)
    }),
).pipe(
  Command.withDescription("Run a trial once more with some parameters changed"),
  Command.withExamples([
    { command: "sweep clone quickstart/3 --set learning_rate=1e-4", description: "Trial 3 with another learning rate" },
  ]),
)
