import { createInterface } from "node:readline/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { explainApi, withApi } from "../../serving/access.ts"
import { unavailable } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, tame } from "../../output.ts"
import type { Message } from "../../models/chatWith.ts"

const system = Flag.String("system").pipe(Flag.withDescription("The system prompt"), Flag.optional)
const beside = Flag.String("beside").pipe(
  Flag.withMetavar("base|SWEEP/N"),
  Flag.withDescription("Let another trial's model, or the base, answer the same questions"),
  Flag.optional,
)
const temperature = Flag.Finite("temperature").pipe(Flag.withDescription("0: the likeliest words"), Flag.withDefault(0))
const maxTokens = Flag.Int("max-tokens").pipe(Flag.withDescription("Of one answer"), Flag.withDefault(256))

export const chat = Command.make(
  "chat",
  { of: flags.sweepOrTrial, system, beside, temperature, maxTokens, coordinator: flags.coordinator },
  ({ of, system, beside, temperature, maxTokens, coordinator }) =>
    Effect.gen(function* () {
      const { fetchModel } = yield* Effect.promise(() => import("../../models/fetchModel.ts"))
      const { startModelServer } = yield* Effect.promise(() => import("../../models/modelServer.ts"))
      const { answer } = yield* Effect.promise(() => import("../../models/chatWith.ts"))
      const other = Option.getOrUndefined(beside)
      const models = yield* withApi(
        coordinator,
        Effect.gen(function* () {
          const { name, base, directory } = yield* fetchModel(of)
          const one = { name, base, adapter: directory as string | null }
          if (other === undefined) return [one]
          if (other === "base") return [one, { name: "base", base, adapter: null }]
          const second = yield* fetchModel(other)
          return [one, { name: second.name, base: second.base, adapter: second.directory }]
        }),
      ).pipe(explainApi)
      yield* note(`loading ${models.map(({ name }) => name).join(" and ")} …`)
      const talk = Effect.gen(function* () {
        const servers = yield* Effect.forEach(
          models,
          (model) => startModelServer({ ...model, host: "127.0.0.1", port: 0, keyFrom: "SWEEP_CHAT_WITHOUT_KEY" }),
          { concurrency: "unbounded" },
        )
        const first: ReadonlyArray<Message> = Option.match(system, {
          onNone: () => [],
          onSome: (content) => [{ role: "system" as const, content }],
        })
        const histories = models.map(() => [...first])
        const options = { temperature, maxTokens, key: null }
        yield* Effect.tryPromise({
          try: async () => {
            const lines = createInterface({
              input: process.stdin,
              output: process.stderr,
              terminal: process.stdin.isTTY,
            })
            if (process.stdin.isTTY) process.stderr.write("Ask; an empty line or Ctrl-D ends.\n")
            // Input that is no terminal may have ended before it is answered.
            let open = true
            lines.once("close", () => (open = false))
            lines.setPrompt(process.stdin.isTTY ? "> " : "")
            lines.prompt()
            for await (const question of lines) {
              if (question.trim() === "") break
              for (const [i, { name }] of models.entries()) {
                const history = histories[i]!
                history.push({ role: "user", content: question })
                if (models.length > 1) process.stdout.write(`${name}: `)
                let said = ""
                for await (const piece of answer(servers[i]!.url, history, options)) {
                  process.stdout.write(tame(piece))
                  said += piece
                }
                process.stdout.write("\n")
                history.push({ role: "assistant", content: said })
              }
              if (open) lines.prompt()
            }
            lines.close()
          },
          catch: (cause) => unavailable((cause as Error).message),
        })
      })
      yield* Effect.scoped(talk)
    }),
).pipe(
  Command.withDescription("Talk to a trial's model, or the best one's"),
  Command.withExamples([
    { command: "sweep chat quickstart", description: "With the best trial's" },
    { command: "sweep chat quickstart/3 --beside base", description: "What the training changed" },
  ]),
)
