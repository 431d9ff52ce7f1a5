import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, print } from "../../output.ts"

const host = Flag.String("host").pipe(
  Flag.withDescription("Where to listen; beyond loopback only with a key"),
  Flag.withDefault("127.0.0.1"),
)
const port = Flag.Int("port").pipe(Flag.withDescription("0: one that is free"), Flag.withDefault(8000))
const keyFrom = Flag.String("key-from").pipe(
  Flag.withMetavar("NAME"),
  Flag.withDescription("The environment variable that holds the API key clients have to send"),
  Flag.withDefault("SWEEP_API_KEY"),
)

const loopback = /^(localhost|127(?:\.\d+){3}|::1)$/

export const serveModel = Command.make(
  "serve-model",
  { of: flags.sweepOrTrial, host, port, keyFrom, coordinator: flags.coordinator },
  ({ of, host, port, keyFrom, coordinator }) =>
    Effect.gen(function* () {
      if (!loopback.test(host) && !process.env[keyFrom]) {
        return yield* badInput(
          `--host ${host}: others could use the model; put a key into the environment variable ${keyFrom} first`,
        )
      }
      const { fetchModel } = yield* Effect.promise(() => import("../../models/fetchModel.ts"))
      const { startModelServer } = yield* Effect.promise(() => import("../../models/modelServer.ts"))
      const { name, base, directory } = yield* withApi(coordinator, fetchModel(of)).pipe(explainApi)
      yield* note(`loading ${name} …`)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* startModelServer({ name, base, adapter: directory, host, port, keyFrom })
          yield* print(
            `${name} is served at ${server.url}${process.env[keyFrom] ? ` with the key in ${keyFrom}` : ""}; Ctrl-C ends it`,
          )
          return yield* server.died
        }),
      )
    }),
).pipe(
  Command.withDescription(
    "Serve a trial's model, or the best one's, by OpenAI's protocol: chat completions, streaming",
  ),
  Command.withExamples([
    { command: "sweep serve-model quickstart", description: "The best trial's at http://127.0.0.1:8000/v1" },
    { command: "SWEEP_API_KEY=… sweep serve-model quickstart/3 --host 0.0.0.0", description: "For others, with a key" },
  ]),
)
