import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { answerOf } from "@sweep/diagnosis/answer"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { print, printJson, printLines } from "../../output.ts"
import { certaintyLines, constraintLines, frontLines, measureLines, nextLines } from "../../results/answerLines.ts"
import { bestJson } from "../../results/summary.ts"
import { parameterValue, result, runsOf, trialNumbers, varying } from "../../terminal/format.ts"
import { leaders } from "../../terminal/SweepView.ts"
import { verdictWord } from "../../terminal/verdictStyle.ts"

const yaml = Flag.Boolean("yaml").pipe(
  Flag.withDescription("As a sweep file of this one trial, which runs as it is"),
  Flag.withDefault(false),
)
const peft = Flag.Boolean("peft").pipe(
  Flag.withDescription("As Python for PEFT and transformers"),
  Flag.withDefault(false),
)
const llamafactory = Flag.Boolean("llamafactory").pipe(
  Flag.withDescription("As a configuration for llamafactory-cli train"),
  Flag.withDefault(false),
)

export const best = Command.make(
  "best",
  { sweep: flags.sweep, yaml, peft, llamafactory, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, yaml, peft, llamafactory, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const state = yield* (yield* SweepApi).get(id)
      const first = leaders(state)[0]
      if (json) return yield* printJson(bestJson(state))
      if (first === undefined) {
        return yield* badInput(
          `no trial of ${id} has an objective (${state.spec.metric.name}) yet; 'sweep trials ${id}' shows where they are`,
        )
      }
      const answer = answerOf(state, Date.now())!
      if (yaml) {
        const { bestYaml } = yield* Effect.promise(() => import("../../results/bestYaml.ts"))
        return yield* print(bestYaml(state.spec, first, answer))
      }
      if (peft || llamafactory) {
        const { bestLlamaFactory, bestPeft } = yield* Effect.promise(() => import("../../results/bestForOthers.ts"))
        const made = (peft ? bestPeft : bestLlamaFactory)(state.spec, first, answer)
        return yield* Result.isSuccess(made) ? print(made.success) : badInput(made.failure)
      }
      yield* printLines([
        `${trialNumbers(first)}  ${state.spec.metric.name} ${result(first)}${runsOf(first, state.spec)}  ${verdictWord(first.trials[0].verdict)}`,
        ...Object.entries(first.parameters).map(([name, value]) => `  ${name}: ${parameterValue(value)}`),
        ...constraintLines(answer),
        ...nextLines(answer),
        ...measureLines(answer),
        ...certaintyLines(answer),
        ...frontLines(answer, varying(state)),
      ])
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("The best configuration found so far"),
  Command.withExamples([
    { command: "sweep best quickstart", description: "The best trial and its parameters" },
    {
      command: "sweep best quickstart --yaml > best.yaml",
      description: "A sweep file of the best trial, with as many epochs as helped",
    },
  ]),
)
