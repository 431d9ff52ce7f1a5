// `stop`, `pause` and `resume` of a sweep or one trial.
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { SweepId } from "@sweep/domain/Id"
import { type Reason, said } from "@sweep/domain/Reason"
import { SweepApi, type ControlAction } from "@sweep/protocol/SweepApi"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { print, printJson } from "../../output.ts"

const reason = Flag.String("reason").pipe(
  Flag.withDescription("Kept with the sweep's history"),
  Flag.map((text): Reason => said(text)),
  Flag.withDefault({ _tag: "ByHand" } as Reason),
)

const done: Readonly<Record<ControlAction, string>> = { stop: "stopped", pause: "paused", resume: "resumed" }

/** Asks the coordinator for `action`, and says that it was granted. */
const act = Effect.fn("control")(function* (
  action: ControlAction,
  options: {
    readonly target: string
    readonly reason: Reason
    readonly coordinator: flags.CoordinatorFlags
    readonly json: boolean
  },
) {
  const { target, reason, coordinator, json } = options
  const ref = yield* flags.sweepOrTrialRef(target)
  yield* Effect.gen(function* () {
    yield* (yield* SweepApi).control(ref.sweep, ref.trial ?? null, action, reason)
  }).pipe((effect) => withApi(coordinator, effect), explainApi)
  yield* json ? printJson({ target, action }) : print(`${target}: ${done[action]}`)
})

/** Whether a program runs the trials itself. */
const isExternal = (sweep: SweepId, coordinator: flags.CoordinatorFlags) =>
  Effect.gen(function* () {
    return (yield* (yield* SweepApi).get(sweep)).spec.trainer === "external"
  }).pipe((effect) => withApi(coordinator, effect), explainApi)

export const stop = Command.make(
  "stop",
  { target: flags.sweepOrTrial, reason, coordinator: flags.coordinator, json: flags.json },
  (options) => act("stop", options),
).pipe(
  Command.withDescription("End a sweep or one trial for good; a running trial saves its adapter first"),
  Command.withExamples([
    { command: "sweep stop quickstart", description: "No new trials, and the open ones end" },
    { command: "sweep stop quickstart/3 --reason 'looks bad'", description: "End one trial early" },
  ]),
)

export const pause = Command.make(
  "pause",
  { target: flags.sweepOrTrial, reason, coordinator: flags.coordinator, json: flags.json },
  (options) => act("pause", options),
).pipe(
  Command.withDescription("Set a sweep or one trial aside; a running trial is checkpointed"),
  Command.withExamples([{ command: "sweep pause quickstart", description: "Free the machine for a while" }]),
)

export const resume = Command.make(
  "resume",
  { target: flags.sweepOrTrial, coordinator: flags.coordinator, json: flags.json },
  ({ target, coordinator, json }) =>
    Effect.gen(function* () {
      const ref = yield* flags.sweepOrTrialRef(target)
      // Without a coordinator there is nobody to resume the sweep but this command.
      if ((yield* findCoordinator(coordinator)) === undefined && !(yield* isExternal(ref.sweep, coordinator))) {
        const { resumeHere } = yield* Effect.promise(() => import("../../running/runLocally.ts"))
        return yield* resumeHere(ref, { json })
      }
      yield* act("resume", { target, reason: { _tag: "ByHand" }, coordinator, json })
    }),
).pipe(
  Command.withDescription("Resume a paused or interrupted sweep, or a paused trial"),
  Command.withExamples([
    { command: "sweep resume quickstart", description: "Go on where Ctrl-C or 'sweep pause' left off" },
  ]),
)
