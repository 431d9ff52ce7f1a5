import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { findCoordinator } from "../../serving/access.ts"
import { defaultSourceLimit } from "../../running/snapshot/limit.ts"
import * as flags from "../../flags.ts"

const detach = Flag.Boolean("detach").pipe(
  Flag.withDescription("Submit and leave; needs a coordinator that stays ('sweep serve')"),
  Flag.withDefault(false),
)
const slots = Flag.Int("slots").pipe(
  Flag.withDescription("Trials at once on this machine, when this command runs them itself"),
  Flag.optional,
)

const sharedPath = Flag.Boolean("shared-path").pipe(
  Flag.withDescription("Send no files: the agents' hosts have program, data and model at the same paths"),
  Flag.withDefault(false),
)
const sourceLimit = Flag.String("source-limit").pipe(
  Flag.withDescription("Program and model that are sent to agents, at most, such as 2GiB (512MiB unless given)"),
  Flag.optional,
)

export const run = Command.make(
  "run",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("A sweep file (YAML)")),
    coordinator: flags.coordinator,
    detach,
    slots,
    sharedPath,
    sourceLimit,
    webPort: flags.webPort,
    noWeb: flags.noWeb,
    python: flags.python,
    json: flags.json,
  },
  ({ file, coordinator, detach, slots, sharedPath, sourceLimit, webPort, noWeb, python, json }) =>
    Effect.gen(function* () {
      yield* flags.atLeast("slots", 1, Option.getOrUndefined(slots))
      yield* flags.portNumber("web-port", Option.getOrUndefined(webPort))
      const limit = yield* flags.byteCount("source-limit", Option.getOrUndefined(sourceLimit))
      const { noteWarnings, readSweepFile } = yield* Effect.promise(() => import("../../running/readSweepFile.ts"))
      const { usePython } = yield* Effect.promise(() => import("../../running/trainerPython.ts"))
      yield* usePython(python)
      const read = yield* readSweepFile(file)
      yield* noteWarnings(read)
      const { spec } = read
      if (spec.trainer === "external") {
        const { submitExternal } = yield* Effect.promise(() => import("../../running/submitExternal.ts"))
        return yield* submitExternal(spec, { coordinator, json })
      }
      const found = yield* findCoordinator(coordinator)
      if (found === undefined) {
        const { runHere } = yield* Effect.promise(() => import("../../running/runLocally.ts"))
        return yield* runHere(spec, {
          json,
          detach,
          slots: Option.getOrUndefined(slots),
          web: noWeb ? undefined : { port: Option.getOrUndefined(webPort) },
        })
      }
      if (found.passing) {
        const { runBeside } = yield* Effect.promise(() => import("../../running/runBeside.ts"))
        return yield* runBeside(spec, { json, detach, slots: Option.getOrUndefined(slots) })
      }
      const { runThere } = yield* Effect.promise(() => import("../../running/runRemotely.ts"))
      return yield* runThere(spec, found, {
        json,
        detach,
        sourceLimit: sharedPath ? null : (limit ?? defaultSourceLimit),
      })
    }),
).pipe(
  Command.withDescription("Run a sweep and write its report: on this machine, or through a coordinator"),
  Command.withExamples([
    {
      command: "sweep run sweeps/quickstart.yaml",
      description: "Everything on this machine; ends with the report's path",
    },
    { command: "sweep run my.yaml --coordinator 127.0.0.1:7733", description: "On the agents of that coordinator" },
    { command: "sweep run my.yaml --json", description: "The last line of standard output is one JSON object" },
  ]),
)
