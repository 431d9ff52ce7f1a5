// `sweep run` and `sweep resume` with nothing else there: the coordinator in this process, one agent as a child, loopback
// gRPC between them; the same path as with a hundred hosts. Ctrl-C pauses the sweep: running trials are checkpointed.
import { hostname } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { Timings } from "@sweep/domain/Lease"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { formatAddress } from "@sweep/grpc/address"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi } from "../serving/access.ts"
import { coordinator } from "../serving/embedded.ts"
import { badInput } from "../exitCodes.ts"
import { finishRun } from "./finishRun.ts"
import { home, leaveNote } from "../serving/home.ts"
import { prepareLlamaFactory } from "./llamaFactory.ts"
import { startLocalAgent } from "./LocalAgent.ts"
import { prepareTrainerPython } from "./trainerPython.ts"
import { withFileLog } from "../logging.ts"
import { note } from "../output.ts"
import { listen } from "../serving/serveCoordinator.ts"
import { follow } from "../terminal/follow.ts"
import { version } from "../version.ts"
import { servePage } from "../web/servePage.ts"

/**
 * Agent and coordinator are one command here and end together: an agent that is silent this long is gone, and a host
 * that sleeps over night is not.
 */
const timings = new Timings({ heartbeat: 2_000, suspect: 15_000, lease: 60_000, grace: 30_000, margin: 5_000 })

/** Letting trials checkpoint and report takes at most the trainers' grace. */
const pauseTime = "35 seconds"

export interface RunOptions {
  readonly json: boolean
  readonly slots?: number | undefined
  /** The port of the page, if a page is served. */
  readonly web?: { readonly port: number | undefined } | undefined
}

/** Waits until no attempt of the sweep is on an agent any more. */
const atRest = (id: SweepId) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    for (;;) {
      const { trials } = yield* api.get(id)
      if (!Array.from(trials.values()).some((trial) => trial.state === "assigned" || trial.state === "running")) return
      yield* Effect.sleep("100 millis")
    }
  })

/**
 * Sweeps that still count as running though the command that ran them is gone: left so, they would take this command's
 * agent. `sweep resume` continues them.
 */
const setOrphansAside = Effect.gen(function* () {
  const api = yield* SweepApi
  for (const { id, status, spec } of yield* api.list) {
    if (status !== "running" || spec.trainer === "external") continue
    yield* Effect.ignore(api.control(id, null, "pause", { _tag: "CommandEnded" }))
    yield* note(`${id} is paused: the command that ran it has ended. Resume it: sweep resume ${id}`)
  }
})

/** The sweep runs without the page where it cannot be served. */
const pageOf = (port: number | undefined) =>
  servePage({ host: "127.0.0.1", port }).pipe(
    Effect.tap((page) => note(`the page: ${page}`)),
    Effect.catch((error) => Effect.as(note(error.message), undefined)),
  )

const runHereWith = <E, R>(
  begin: Effect.Effect<SweepId, E, R>,
  options: RunOptions,
  /** Whether other commands wait for sweeps of theirs to continue here. */
  { succeeds = false }: { readonly succeeds?: boolean } = {},
) =>
  Effect.gen(function* () {
    const at = yield* home
    yield* Effect.gen(function* () {
      const api = yield* SweepApi
      const address = formatAddress(yield* listen({ host: "127.0.0.1", port: 0 }))
      const page = options.web === undefined ? undefined : yield* pageOf(options.web.port)
      yield* leaveNote(at, { address, version, passing: true, ...(page === undefined ? {} : { page }) })
      if (!succeeds) yield* setOrphansAside
      const id = yield* begin
      const { trainer } = (yield* api.get(id)).spec
      if (trainer === "peft" || trainer === "llamafactory") yield* prepareTrainerPython
      if (trainer === "llamafactory") yield* prepareLlamaFactory
      const agent = yield* startLocalAgent(at, {
        address,
        id: `local-${hostname()
          .replace(/[^A-Za-z0-9._-]/g, "-")
          .slice(0, 100)}`,
        slots: options.slots,
      })
      yield* follow(api.watch(id), {
        out: options.json ? process.stderr : process.stdout,
        hint: `Ctrl-C stops cleanly; 'sweep resume ${id}' continues.`,
      }).pipe(
        Effect.raceFirst(
          Effect.tapError(agent.died, () =>
            Effect.ignore(api.control(id, null, "pause", { _tag: "OwnAgentEnded" })).pipe(
              Effect.andThen(note(`${id} is paused. Resume it: sweep resume ${id}`)),
            ),
          ),
        ),
        Effect.onInterrupt(() =>
          note("\nstopping: running trials are checkpointed …").pipe(
            Effect.andThen(api.control(id, null, "pause", { _tag: "CtrlC" })),
            Effect.andThen(atRest(id)),
            Effect.timeoutOption(pauseTime),
            Effect.ignore,
            Effect.andThen(note(`${id} is paused. Resume it: sweep resume ${id}`)),
          ),
        ),
      )
      yield* finishRun(id, options)
    }).pipe(
      Effect.scoped,
      Effect.provide(coordinator(at, { timings, serving: true })),
      withFileLog(join(at.directory, "coordinator.log")),
    )
  }).pipe(explainApi)

export const needsToStay = badInput(
  "--detach needs a coordinator that stays: start 'sweep serve' and an agent, then add --coordinator HOST:PORT.",
)

/** Goes on with a sweep that was submitted, however far it is. */
export const goOnHere = (id: SweepId, options: RunOptions) =>
  runHereWith(Effect.succeed(id), options, { succeeds: true })

export const runHere = Effect.fn("runHere")(function* (
  spec: SweepSpec,
  options: RunOptions & { readonly detach: boolean },
) {
  if (options.detach) return yield* needsToStay
  if (spec.trainer !== "external" && spec.resources.gpus > 1) {
    // The agent of this command has one device in each of its slots.
    yield* note(
      `'resources: {gpus: ${spec.resources.gpus}}' asks for ${spec.resources.gpus} devices per trial, and a slot of this host's agent has one; the sweep waits. Write 'gpus: 1' to run a trial on each device`,
    )
  }
  yield* runHereWith(SweepApi.pipe(Effect.flatMap((api) => api.submit(spec))), options)
})

export const resumeHere = (
  ref: { readonly sweep: SweepId; readonly trial: TrialNumber | undefined },
  options: RunOptions,
) =>
  runHereWith(
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.get(ref.sweep)
      if (sweep.status === "finished" || sweep.status === "stopped") {
        return yield* badInput(
          `${ref.sweep} is ${sweep.status}: there is nothing to resume. Its report: sweep report ${ref.sweep}`,
        )
      }
      // A sweep whose command was killed is still 'running': it only lacks somebody to run it.
      if (sweep.status === "paused" || ref.trial !== undefined) {
        yield* api.control(ref.sweep, ref.trial ?? null, "resume", { _tag: "ByHand" })
      }
      return ref.sweep
    }),
    options,
  )
