// The agent as a real process, over gRPC, and what becomes of its trainers when it is killed or told to stop.
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Timings } from "@sweep/domain/Lease"
import { serveGrpc } from "@sweep/grpc/grpcServer"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { processStatus } from "../src/process/ProcessIdentity.ts"
import { ScriptedCoordinator } from "./ScriptedCoordinator.ts"
import { fixtures, script, temporaryDirectory, trainerCommand } from "./testAgent.ts"

const runs = (pid: number): boolean => {
  const status = processStatus(pid)
  return status !== undefined && status.state !== "Z"
}

const exited = (child: ChildProcess) =>
  Effect.callback<number | NodeJS.Signals>((resume) => {
    const done = () => resume(Effect.succeed(child.exitCode ?? child.signalCode!))
    if (child.exitCode !== null || child.signalCode !== null) done()
    else child.once("exit", done)
  })

const served = (trainer: "peft" | "command") =>
  Effect.gen(function* () {
    const coordinator = new ScriptedCoordinator()
    const { port } = yield* serveGrpc({ host: "127.0.0.1", port: 0 }).pipe(
      Effect.provide(Layer.merge(coordinator.layer, Layer.mock(SweepApi)({}))),
    )
    const home = yield* temporaryDirectory
    const start = Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [join(fixtures, "agentMain.ts"), `127.0.0.1:${port}`, home, trainer], {
          stdio: ["ignore", process.env["SWEEP_TEST_LOG"] === undefined ? "ignore" : "inherit", "inherit"],
        }),
      ),
      (child) => {
        child.kill("SIGTERM")
        child.kill("SIGTERM")
        return exited(child)
      },
    )
    return { coordinator, start }
  })

const pidOf = (coordinator: ScriptedCoordinator, epoch: number): number => {
  const started = coordinator.of(epoch).events.find((event) => event.type === "started")
  return started?.type === "started" ? started.pid : 0
}

describe("an agent that is killed with SIGKILL", () => {
  for (const trainer of ["command", "peft"] as const) {
    it.live(`adopts the ${trainer} trainer that still runs when it is back, and loses no line`, () =>
      Effect.gen(function* () {
        const { coordinator, start } = yield* served(trainer)
        const first = yield* start
        const epoch = yield* coordinator.assign({
          trainer,
          command: trainerCommand,
          // On and on, until it is asked to finish.
          trialJson: script(["slow", 100_000, 0.05]),
        })
        yield* coordinator.until(() => coordinator.of(epoch).points.length >= 3)
        first.kill("SIGKILL")
        yield* exited(first)
        const pid = pidOf(coordinator, epoch)
        expect(runs(pid)).toBe(true)

        yield* start
        yield* coordinator.until(() => coordinator.hellos.length === 2)
        expect(coordinator.hellos[1]!.held).toEqual([{ epoch, slot: 0, running: true, sweep: "test", trial: 1 }])
        // Its slot is taken until the adopted trial is over.
        const next = yield* coordinator.assign({ trainer, command: trainerCommand, trialJson: script("finish") })
        const before = coordinator.of(epoch).points.length
        yield* coordinator.until(() => coordinator.of(epoch).points.length > before + 3)
        expect(coordinator.attempts.has(next)).toBe(false)
        yield* coordinator.stop(epoch, "finish")
        expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished", interrupted: true })
        expect(yield* coordinator.untilEnded(next)).toMatchObject({ _tag: "Finished" })
        expect(coordinator.of(epoch).events.filter(({ type }) => type === "started")).toHaveLength(1)
        const { points } = coordinator.of(epoch)
        expect(points.map(({ step }) => step)).toEqual(points.map((_, i) => i + 1))
        expect(coordinator.of(epoch).repeated).toBe(0)
        while (runs(pid)) yield* Effect.sleep(20)
      }),
    )
  }

  it.live("gives back a trial whose trainer died too, and sends what its spool holds", () =>
    Effect.gen(function* () {
      const { coordinator, start } = yield* served("command")
      const first = yield* start
      const epoch = yield* coordinator.assign({
        command: trainerCommand,
        trialJson: script("setsid-child", ["metrics", 50], ["sleep", 60]),
      })
      yield* coordinator.until(() => coordinator.of(epoch).points.length === 100)
      first.kill("SIGKILL")
      process.kill(pidOf(coordinator, epoch), "SIGKILL")
      const child = Number(coordinator.of(epoch).sample("child"))
      yield* exited(first)
      expect(runs(child)).toBe(true)

      // The coordinator was set back: it gets all of it once more.
      coordinator.attempts.clear()
      yield* start
      expect(yield* coordinator.untilEnded(epoch)).toEqual({ _tag: "Released", cause: { _tag: "AgentRestarted" } })
      expect(coordinator.of(epoch).points).toHaveLength(100)
      expect(runs(child)).toBe(false)
    }),
  )

  it.live("reports a trial that finished while it was away", () =>
    Effect.gen(function* () {
      const { coordinator, start } = yield* served("command")
      const first = yield* start
      const epoch = yield* coordinator.assign({
        command: trainerCommand,
        trialJson: script(["metrics", 1], ["sleep", 0.5], ["metrics", 1], "finish"),
      })
      yield* coordinator.until(() => coordinator.of(epoch).points.length > 0)
      first.kill("SIGKILL")
      yield* exited(first)
      const pid = pidOf(coordinator, epoch)
      while (runs(pid)) yield* Effect.sleep(20)
      yield* start
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished", interrupted: false })
      expect(coordinator.of(epoch).points).toHaveLength(4)
    }),
  )
})

describe("signals", () => {
  it.live("the first SIGINT drains, and the agent goes when its trial is over", () =>
    Effect.gen(function* () {
      const { coordinator, start } = yield* served("command")
      const agent = yield* start
      const epoch = yield* coordinator.assign({
        command: trainerCommand,
        trialJson: script(["slow", 10, 0.05], "finish"),
      })
      yield* coordinator.until(() => coordinator.of(epoch).points.length > 0)
      agent.kill("SIGINT")
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished", interrupted: false })
      yield* exited(agent)
    }),
  )

  it.live("the second ends the trial, its children, and the agent", () =>
    Effect.gen(function* () {
      const { coordinator, start } = yield* served("command")
      const agent = yield* start
      const epoch = yield* coordinator.assign({
        command: trainerCommand,
        trialJson: script("setsid-child", "ignore-term", ["sleep", 60]),
      })
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      agent.kill("SIGINT")
      yield* coordinator.until(() => coordinator.messages.some((message) => message._tag === "Slots"))
      agent.kill("SIGTERM")
      yield* exited(agent)
      expect(coordinator.of(epoch).ends).toEqual([{ _tag: "Released", cause: { _tag: "AgentStopped" } }])
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
      expect(runs(pidOf(coordinator, epoch))).toBe(false)
    }),
  )
})

describe("an agent that stood still", () => {
  it.live("past its lease ends its trial as the first thing when it continues", () =>
    Effect.gen(function* () {
      const { coordinator, start } = yield* served("command")
      coordinator.timings = new Timings({
        heartbeat: 100,
        suspect: 300,
        lease: 1_000,
        grace: 300,
        margin: 100,
      })
      const agent = yield* start
      const epoch = yield* coordinator.assign({
        command: trainerCommand,
        trialJson: script(["metrics", 1], ["sleep", 60]),
      })
      yield* coordinator.until(() => coordinator.of(epoch).points.length > 0)
      agent.kill("SIGSTOP")
      yield* Effect.sleep(1_500)
      agent.kill("SIGCONT")
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({
        _tag: "Released",
        cause: { _tag: "LeaseLapsed" },
      })
      expect(runs(pidOf(coordinator, epoch))).toBe(false)
    }),
  )
})
