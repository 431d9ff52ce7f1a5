import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as flags from "../../flags.ts"
import { badInput } from "../../exitCodes.ts"
import { printJson, printTable, printText } from "../../output.ts"

export const fits = Command.make(
  "fits",
  {
    model: Argument.String("MODEL").pipe(
      Argument.withDescription("A model's folder, or a well-known model such as qwen2.5-7b"),
    ),
    json: flags.json,
  },
  ({ model, json }) =>
    Effect.gen(function* () {
      const { modelArchitecture } = yield* Effect.promise(() => import("../../running/modelArchitecture.ts"))
      const { cardSizes, fitTable } = yield* Effect.promise(() => import("@sweep/memory/fits"))
      const { parameterCounts } = yield* Effect.promise(() => import("@sweep/memory/Architecture"))
      const found = modelArchitecture(model)
      if (typeof found === "string") return yield* Effect.fail(badInput(found))
      const parameters = parameterCounts(found.architecture).total
      const rows = fitTable(found.architecture)
      if (json) return yield* printJson({ model: found.name, parameters, cardSizesGb: cardSizes, rows })
      yield* printText(
        `${found.name}, ${(parameters / 1e9).toFixed(2)} billion parameters. The largest micro-batch that fits, by GB of the card; – where not even one sequence does. bf16, rank 16 on all linear layers, 16 sequences a step.\n`,
      )
      yield* printTable(
        [
          { title: "VARIANT" },
          { title: "LENGTH", align: "right" },
          { title: "CHECKPOINTING" },
          { title: "LEAST", align: "right" },
          ...cardSizes.map((size) => ({ title: `${size} GB`, align: "right" as const })),
        ],
        rows.map(({ variant, length, gradientCheckpointing, least, microBatches }) => [
          variant,
          String(length),
          gradientCheckpointing ? "yes" : "no",
          `${(least / 2 ** 30).toFixed(1)} GiB`,
          ...microBatches.map((size) => (size === null ? "–" : String(size))),
        ]),
      )
    }),
).pipe(
  Command.withDescription("What fits which card: variants, lengths and micro-batches of a model; nothing is run"),
  Command.withExamples([{ command: "sweep fits qwen2.5-7b", description: "Before you choose a variant" }]),
)
