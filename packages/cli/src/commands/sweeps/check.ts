import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as flags from "../../flags.ts"
import { printJson, printText } from "../../output.ts"
import { namedCard } from "../../running/namedCard.ts"

export const check = Command.make(
  "check",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("A sweep file (YAML)")),
    gpu: Flag.String("gpu").pipe(
      Flag.withMetavar("SIZE|NAME"),
      Flag.withDescription("Say which configurations do not fit this card, such as 8GiB or rtx3090"),
      Flag.optional,
    ),
    json: flags.json,
  },
  ({ file, gpu, json }) =>
    Effect.gen(function* () {
      const card = Option.isNone(gpu) ? null : yield* namedCard(gpu.value)
      const { checkSweep } = yield* Effect.promise(() => import("../../running/checkSweep.ts"))
      const { renderMemory } = yield* Effect.promise(() => import("../../running/memoryPlan.ts"))
      const { renderDescription } = yield* Effect.promise(() => import("@sweep/sweepfile/describeSweep"))
      const { description, memory } = yield* checkSweep(file, card)
      if (json) {
        return yield* printJson({ ...description, memory: typeof memory === "string" ? { unknown: memory } : memory })
      }
      const lines =
        memory === null
          ? []
          : [typeof memory === "string" ? `Memory\n  not estimated: ${memory}` : renderMemory(memory)]
      yield* printText([renderDescription(description), ...lines].join("\n\n"))
    }),
).pipe(
  Command.withDescription("Check a sweep file: what it means, the first trials, the cost, the memory; nothing is run"),
  Command.withExamples([
    { command: "sweep check sweeps/quickstart.yaml", description: "Before you start it" },
    { command: "sweep check my.yaml --gpu rtx3090", description: "Which configurations do not fit this card" },
  ]),
)
