import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { exitCodes, Failure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { printJson, printLines } from "../../output.ts"
import { parameterValue } from "../../terminal/format.ts"

const nothing = (text: string) => new Failure({ text, exitCode: exitCodes.nothing })

export const ask = Command.make(
  "ask",
  { sweep: flags.sweep, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const asked = yield* (yield* SweepApi).ask(id)
      switch (asked._tag) {
        case "Trial": {
          const { trial, parameters, seed, attempt } = asked
          if (json) return yield* printJson({ sweep: id, trial, parameters, seed, attempt })
          return yield* printLines([
            `${id}/${trial}`,
            ...Object.entries(parameters).map(([name, value]) => `  ${name}: ${parameterValue(value)}`),
          ])
        }
        case "Wait":
          if (json) yield* printJson({ sweep: id, trial: null, ended: null })
          return yield* nothing(`${id} has no trial to give before an open one has ended`)
        case "Ended":
          if (json) yield* printJson({ sweep: id, trial: null, ended: asked.reason })
          return yield* nothing(`no more trials of ${id}: ${asked.reason}`)
      }
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Take the next trial of a sweep with 'trainer: external', to run it yourself"),
  Command.withExamples([
    {
      command: "sweep ask mine --json",
      description: "Its number, parameters and seed; exit code 3 when there is none",
    },
  ]),
)
