// What an authorised agent tries that is not to be trusted: to be another one, to speak for another one's trials, to
// exchange files, and to overwhelm.
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Epoch, TrialNumber } from "@sweep/domain/Id"
import { said } from "@sweep/domain/Reason"
import type { AttemptEnd } from "@sweep/protocol/AgentMessage"
import { connectAgent, evalLosses, finished, slotsOf } from "@sweep/protocol/ScriptedAgent"
import {
  apiOf,
  type Attack,
  exchangeOf,
  type Outcome,
  refused,
  type Stage,
  type Victim,
  withSession,
} from "./attack.ts"

const pieceOf = (path: string, text: string) => {
  const data = Buffer.from(text)
  return { path, bytes: data.byteLength, offset: 0, data, sha256: createHash("sha256").update(data).digest("hex") }
}

const attack = (what: string, run: Attack["run"]): Attack => ({ who: "agent", what, run })

const evil = { id: "evil", hostname: "evil-host", slots: slotsOf(0) } as const

/** A session of the agent's own, which has no slots and is given no trials. */
const session = (stage: Stage) => withSession(stage, "evil")(connectAgent(evil))

const claims = (what: string, options: Parameters<typeof connectAgent>[0]) =>
  attack(what, (stage) =>
    Effect.gen(function* () {
      const posing = yield* withSession(stage, "evil")(connectAgent({ slots: slotsOf(1), ...options }))
      const over = yield* posing.over
      if (over === "ended" || over._tag !== "SessionRefused") return `the session ended otherwise: ${String(over)}`
      const { agents } = yield* stage.owner.status
      const gpu1 = agents.find(({ agent }) => agent === "gpu1")
      return gpu1?.state === "connected" ? null : `gpu1 is ${gpu1?.state ?? "gone"}`
    }),
  )

const stateOf = (stage: Stage, { sweep, trial }: Victim) =>
  Effect.map(stage.owner.get(sweep), (state) => state.trials.get(trial)!)

/** Says how another agent's attempt ended; the end has not to be in its state. */
const ends = (what: string, end: AttemptEnd) =>
  attack(`ends another agent's trial as ${what}`, (stage) =>
    Effect.gen(function* () {
      const own = yield* session(stage)
      const victim = yield* stage.running
      yield* own.ended(victim.epoch, 0, end)
      yield* own.confirmed(victim.epoch)
      const { state, objective, epoch } = yield* stateOf(stage, victim)
      // It may have ended meanwhile, by its own agent.
      if (objective === -1e9) return "its false result stands"
      return epoch === victim.epoch && state !== "failed" ? null : `the trial is ${state} with epoch ${epoch}`
    }),
  )

const valuesOf = (stage: Stage, { sweep, trial }: Victim) =>
  Effect.map(stage.owner.results(sweep, { maxPoints: 1_000 }), ({ curves }) =>
    curves.filter((curve) => curve.trial === trial).flatMap(({ points }) => points.map(({ value }) => value)),
  )

const reports = (what: string, of: (stage: Stage) => Effect.Effect<Victim>) =>
  attack(`reports points for ${what}`, (stage) =>
    Effect.gen(function* () {
      const own = yield* session(stage)
      const victim = yield* of(stage)
      yield* own.report(victim.epoch, evalLosses(-1e9), 1)
      yield* own.report(victim.epoch, evalLosses(-1e9), 1_000)
      yield* own.next("Stop")
      return (yield* valuesOf(stage, victim)).includes(-1e9) ? "its points are in the curve" : null
    }),
  )

const puts = (what: string, of: (stage: Stage) => Effect.Effect<Victim>, path: string) =>
  attack(what, (stage) =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf(stage, "evil")
      return yield* refused(exchange.put(yield* of(stage), pieceOf(path, "evil")))
    }),
  )

const finishedOne = (stage: Stage) => Effect.succeed(stage.finished)
const pausedOne = (stage: Stage) => Effect.succeed(stage.paused)
const runningOne = (stage: Stage) => stage.running

const denied = (what: string, call: (stage: Stage) => Effect.Effect<Outcome, unknown, never>) =>
  attack(what, (stage) => call(stage))

const asks = (
  what: string,
  call: (
    api: Effect.Success<ReturnType<typeof apiOf>>,
    stage: Stage,
  ) => Effect.Effect<unknown, { readonly message: string }>,
) =>
  attack(what, (stage) =>
    Effect.gen(function* () {
      const api = yield* apiOf(stage, "evil")
      return yield* refused(call(api, stage), /has the role agent/)
    }),
  )

/** The session goes or stays; the fleet has to be what it was. */
const harmless = (stage: Stage): Effect.Effect<Outcome, unknown> =>
  Effect.map(stage.owner.status, ({ agents }) => {
    const wrong = agents.filter(({ agent, state }) => agent.startsWith("gpu") && state !== "connected")
    return wrong.length === 0 ? null : `${wrong.map(({ agent, state }) => `${agent} is ${state}`).join(", ")}`
  })

const throwsAt = (
  what: string,
  send: (own: Effect.Success<ReturnType<typeof session>>) => Effect.Effect<unknown, unknown>,
) =>
  attack(what, (stage) =>
    Effect.gen(function* () {
      const own = yield* session(stage)
      yield* own.next("Welcome")
      yield* Effect.ignore(send(own))
      yield* Effect.timeoutOption(own.over, "500 millis")
      return yield* harmless(stage)
    }),
  )

export const agentAttacks: ReadonlyArray<Attack> = [
  claims("takes a connected agent's id, from the same host", { id: "gpu1", hostname: "gpu1" }),
  claims("takes a connected agent's id, from another host", { id: "gpu1", hostname: "elsewhere" }),
  claims("takes an id that nobody has", { id: "gpu9", hostname: "evil-host" }),
  attack("says in its greeting that it holds another agent's attempt", (stage) =>
    Effect.gen(function* () {
      const victim = yield* stage.running
      const held = [{ epoch: victim.epoch, slot: 0, running: true }]
      const own = yield* withSession(stage, "evil")(connectAgent({ ...evil, held }))
      const { discard } = yield* own.next("Welcome")
      return discard.includes(victim.epoch) ? null : "it was believed"
    }),
  ),
  attack("says that it holds 100,000 attempts", (stage) =>
    Effect.gen(function* () {
      const held = Array.from({ length: 100_000 }, (_, i) => ({
        epoch: Epoch.make(i + 1_000_000),
        slot: 0,
        running: true,
      }))
      const own = yield* withSession(stage, "evil")(connectAgent({ ...evil, held }))
      yield* Effect.timeoutOption(own.over, "500 millis")
      return yield* harmless(stage)
    }),
  ),
  attack("offers 5,000 slots", (stage) =>
    Effect.gen(function* () {
      const own = yield* withSession(stage, "evil")(connectAgent({ ...evil, slots: slotsOf(5_000) }))
      const over = yield* own.over
      return over !== "ended" && over._tag === "SessionRefused" ? null : String(over)
    }),
  ),
  ends("completed", finished({ values: { loss: -1e9 } })),
  ends("failed", { _tag: "Failed", class: "data", message: said("evil"), detail: null }),
  ends("released", { _tag: "Released", cause: said("evil") }),
  ends("paused", { _tag: "Released", cause: said("evil"), pausedAt: 1 }),
  reports("a running trial", runningOne),
  reports("a paused trial", pausedOne),
  reports("a completed trial", finishedOne),
  attack("writes into another trial's log", (stage) =>
    Effect.gen(function* () {
      const own = yield* session(stage)
      const victim = yield* stage.running
      yield* own.log(victim.epoch, 0, "evil words")
      yield* own.next("Stop")
      const text = (yield* Stream.runCollect(
        stage.owner.logs(victim.sweep, victim.trial, { stream: "stdout", follow: false }),
      )).join("")
      return text.includes("evil") ? "its words are in the log" : null
    }),
  ),
  puts("replaces a completed trial's adapter", finishedOne, "adapter/adapter_model.safetensors"),
  puts("adds a file to a completed trial's adapter", finishedOne, "adapter/adapter_config.json"),
  puts("plants a program in a running trial's checkpoint", runningOne, "checkpoints/step-00000001/modeling.py"),
  puts("plants a checkpoint's manifest in a paused trial", pausedOne, "checkpoints/step-00000099/manifest.json"),
  puts("puts a file outside of the folder", finishedOne, "adapter/../../../../evil"),
  puts("puts a hidden file", finishedOne, "adapter/.evil"),
  attack("offers files for another agent's trial", (stage) =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf(stage, "evil")
      return yield* refused(exchange.offer(stage.finished, [{ path: "adapter/x.json", bytes: 1 }]), /was not given to/)
    }),
  ),
  attack("lists another trial's checkpoint", (stage) =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf(stage, "evil")
      const { sweep, trial } = yield* stage.running
      return yield* refused(exchange.listCheckpoint(sweep, trial), /is not with/)
    }),
  ),
  attack("fetches another trial's files", (stage) =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf(stage, "evil")
      const { sweep, trial, epoch } = stage.finished
      const file = { epoch, path: "adapter/adapter_model.safetensors" }
      return yield* refused(Stream.runDrain(exchange.fetch(sweep, trial, file)), /is not with/)
    }),
  ),
  asks("submits, stops or removes", (api, { finished: { sweep } }) => api.control(sweep, null, "stop", said("evil"))),
  asks("reads with SQL", (api) => api.query("SELECT 1", 1)),
  asks("downloads the database", (api) => Stream.runDrain(api.backup)),
  asks("reads a trial's result", (api, { finished: { sweep } }) => api.results(sweep, { maxPoints: 10 })),
  throwsAt("sends a second greeting", (own) =>
    own.send({
      _tag: "Hello",
      protocol: 1,
      agent: own.id,
      version: "x",
      hostname: "x",
      slots: [],
      trainers: [],
      held: [],
    } as never),
  ),
  throwsAt("sends a message of 7 MiB", (own) => own.log(Epoch.make(1), 0, "x".repeat(7 * 1024 * 1024))),
  throwsAt("sends 20,000 reports of attempts that it does not have", (own) =>
    Effect.forEach(
      Array.from({ length: 20_000 }, (_, i) => i),
      (i) => own.report(Epoch.make(1 + (i % 3)), evalLosses(-1e9), i + 1),
      { discard: true },
    ),
  ),
  throwsAt("confirms 5,000 ends of attempts that never were", (own) =>
    Effect.forEach(
      Array.from({ length: 5_000 }, (_, i) => i),
      (i) => own.ended(Epoch.make(900_000 + i), 0, finished()),
      { discard: true },
    ),
  ),
  denied("uses its token with another one's certificate", (stage) =>
    Effect.gen(function* () {
      const { token } = stage.access("gpu1")
      const mixed = { ...stage, access: () => ({ ...stage.access("evil"), token }) }
      const exchange = yield* exchangeOf(mixed, "evil")
      return yield* refused(
        exchange.listCheckpoint(stage.finished.sweep, TrialNumber.make(1)),
        /do not belong together/,
      )
    }).pipe(Effect.scoped),
  ),
]
