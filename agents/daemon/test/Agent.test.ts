import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Timings } from "@sweep/domain/Lease"
import { said } from "@sweep/domain/Reason"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { Unavailable } from "@sweep/protocol/SweepApi"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { onTermHere } from "../src/host/signals.ts"
import { monotonic } from "../src/session/Lease.ts"
import { Processes } from "../src/process/Processes.ts"
import { processStatus } from "../src/process/ProcessIdentity.ts"
import * as ProcessTree from "../src/process/ProcessTree.ts"
import { ScriptedCoordinator } from "./ScriptedCoordinator.ts"
import { fixtures, script, startAgent, type Steps, temporaryDirectory, trainerCommand } from "./testAgent.ts"

const runs = (pid: number): boolean => {
  const status = processStatus(pid)
  return status !== undefined && status.state !== "Z"
}

const pidOf = (coordinator: ScriptedCoordinator, epoch: number): number => {
  const started = coordinator.of(epoch).events.find((event) => event.type === "started")
  return started?.type === "started" ? started.pid : 0
}

const withAgent = Effect.gen(function* () {
  const coordinator = new ScriptedCoordinator()
  const home = yield* temporaryDirectory
  const agent = yield* startAgent(coordinator, home)
  yield* coordinator.untilConnected
  return { coordinator, home, agent }
})

const command = (coordinator: ScriptedCoordinator, ...steps: Steps) =>
  coordinator.assign({ command: trainerCommand, trialJson: script(...steps) })

describe("an attempt", () => {
  it.live("sends every line and log, then its end", () =>
    Effect.gen(function* () {
      const { coordinator, home } = yield* withAgent
      const epoch = yield* command(
        coordinator,
        ["print", "grüße 你好"],
        ["metrics", 300],
        ["complain", "careful"],
        "finish",
      )
      const end = yield* coordinator.untilEnded(epoch)
      expect(end).toEqual({ _tag: "Finished", interrupted: false, step: 301, values: { "eval/loss": 0.5 } })
      const received = coordinator.of(epoch)
      expect(received.seq).toBe(302)
      expect(received.points.filter(({ metric }) => metric === "train/loss").map(({ step }) => step)).toEqual(
        Array.from({ length: 300 }, (_, i) => i + 1),
      )
      expect(received.points.filter(({ metric }) => metric === "eval/loss")).toHaveLength(300)
      expect(received.events.map(({ type }) => type)).toEqual(["started", "finished"])
      expect(received.logs).toEqual({ stdout: "grüße 你好\n", stderr: "careful\n" })
      const trial = JSON.parse(readFileSync(join(home, "attempts", String(epoch), "trial.json"), "utf8"))
      expect(trial.devices).toEqual([{ kind: "cpu", index: 0, threads: expect.any(Number) }])
      expect(dirname(trial.cache)).toBe(join(home, "cache"))
    }),
  )

  it.live("skips torn and unreadable lines and waits for the rest of the last one", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const line = JSON.stringify({
        seq: 2,
        at: "2026-01-01T00:00:00.000Z",
        type: "metrics",
        step: 1,
        values: { a: "NaN" },
      })
      const epoch = yield* command(
        coordinator,
        ["raw", '{"seq":2,"at":"20\n[1,2]\n'],
        ["raw", line.slice(0, 30)],
        ["sleep", 0.3],
        ["raw", `${line.slice(30)}\n`],
        ["raw", line.slice(0, 20)],
      )
      const end = yield* coordinator.untilEnded(epoch)
      expect(coordinator.of(epoch).points).toEqual([{ metric: "a", step: 1, value: NaN }])
      expect(coordinator.of(epoch).seq).toBe(2)
      expect(end).toMatchObject({ _tag: "Failed", class: "bug" })
      expect(end).toMatchObject({ message: { unreadable: 2 } })
    }),
  )

  it.live("costs the attempts beside it nothing when a line of its spool is lost, and says so", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      const home = yield* temporaryDirectory
      yield* startAgent(coordinator, home, { slotsPerDevice: 2 })
      const bad = yield* coordinator.assign({
        slot: 0,
        command: trainerCommand,
        trialJson: script(
          // The first message holds nothing but the first line; the next begins behind a hole.
          ["sleep", 0.3],
          ["raw", '{"seq":2,"type":"metrics","step":1,"values":{"a":nan}}\n'],
          ["raw", '{"seq":3,"at":"2026-01-01T00:00:00.000Z","type":"metrics","step":1,"values":{"a":NaN}}\n'],
          ["raw", `{"seq":4,"at":"","type":"sample","probe":0,"prompt":"","answer":"${"x".repeat(1_100_000)}"}\n`],
          ["sleep", 0.3],
          ["raw", '{"seq":5,"at":"","type":"finished","step":1,"values":{"a":-Infinity},"interrupted":false}\n'],
        ),
      })
      const good = yield* coordinator.assign({
        slot: 1,
        command: trainerCommand,
        trialJson: script(["metrics", 3], "finish"),
      })
      expect(yield* coordinator.untilEnded(good)).toMatchObject({ _tag: "Finished" })
      expect(yield* coordinator.untilEnded(bad)).toMatchObject({ _tag: "Finished", values: { a: -Infinity } })
      expect(coordinator.of(bad).points).toEqual([{ metric: "a", step: 1, value: NaN }])
      expect(coordinator.hellos.length).toBe(1)
      expect(coordinator.holes).toBe(0)
      expect(coordinator.messages.find((said) => said._tag === "Ended" && said.epoch === bad)).toMatchObject({
        skipped: { unreadable: 2, missing: 2, problem: expect.stringContaining("it is not JSON") },
      })
      expect(coordinator.messages.find((said) => said._tag === "Ended" && said.epoch === good)).not.toHaveProperty(
        "skipped",
      )
    }),
  )

  it.live("fails with the exit status and the last words of a trainer that crashed", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, ["metrics", 3], ["complain", "boom: no such layer"], ["exit", 7])
      expect(yield* coordinator.untilEnded(epoch)).toEqual({
        _tag: "Failed",
        class: "bug",
        message: {
          _tag: "TrainerExited",
          status: 7,
          words: "boom: no such layer",
          unreadable: null,
          problem: null,
        },
        detail: "boom: no such layer",
      })
      expect(coordinator.of(epoch).seq).toBe(4)
    }),
  )

  it.live("is out of memory only with evidence", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const shot = yield* command(coordinator, ["complain", "Killed"], ["signal", 9])
      expect(yield* coordinator.untilEnded(shot)).toMatchObject({ _tag: "Failed", class: "bug" })
      const full = yield* command(coordinator, ["complain", "MemoryError"], ["exit", 1])
      expect(yield* coordinator.untilEnded(full)).toMatchObject({ _tag: "Failed", class: "oom" })
    }),
  )

  it.live("fails as the trainer says, and with a sentence when the program is not there", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const diverged = yield* command(coordinator, ["fail", "diverged", "the loss is NaN"], ["exit", 1])
      expect(yield* coordinator.untilEnded(diverged)).toEqual({
        _tag: "Failed",
        class: "diverged",
        message: said("the loss is NaN"),
        detail: null,
      })
      const missing = yield* coordinator.assign({ command: ["no-such-program-at-all"], trialJson: script() })
      expect(yield* coordinator.untilEnded(missing)).toMatchObject({
        class: "dependency",
        message: said("Cannot start `no-such-program-at-all`: there is no such program on this agent."),
      })
    }),
  )

  it.live("gets the contract's variables, and none that the allowlist does not name", () =>
    Effect.gen(function* () {
      process.env["SWEEP_TEST_SECRET"] = "canary"
      const { coordinator, home } = yield* withAgent
      const epoch = yield* command(coordinator, "environment", "finish")
      yield* coordinator.untilEnded(epoch)
      const environment = JSON.parse(coordinator.of(epoch).sample("environment")!)
      const directory = join(home, "attempts", String(epoch))
      expect(environment).toMatchObject({
        SWEEP_ID: "test",
        SWEEP_EVENTS: join(directory, "events.jsonl"),
        WANDB_SWEEP_ID: "test",
        WANDB_RUN_ID: `test-${epoch}`,
        HOME: process.env["HOME"],
      })
      expect(JSON.parse(readFileSync(environment.WANDB_SWEEP_PARAM_PATH, "utf8"))).toEqual({
        wandb_version: 1,
        rank: { value: 4 },
      })
      expect(environment.SWEEP_TEST_SECRET).toBeUndefined()
    }),
  )

  it.live("has the macros of its command filled in, and only with what the allowlist names", () =>
    Effect.gen(function* () {
      process.env["SWEEP_TEST_SECRET"] = "canary"
      const { coordinator } = yield* withAgent
      const epoch = yield* coordinator.assign({
        command: ["/bin/echo", "${args}", "${args_json_file}", "${envvar:SWEEP_TEST_SECRET}"],
        trialJson: { ...script(), parameters: { rank: 4, "optimizer.lr": 0.1 }, groups: ["optimizer"] },
      })
      yield* coordinator.untilEnded(epoch)
      const [rank, optimizer, lr, file, secret] = coordinator.of(epoch).logs.stdout.trim().split(" ")
      expect([rank, optimizer, lr, secret]).toEqual(["--rank=4", "--optimizer={'lr':", "0.1}", "SWEEP_TEST_SECRET"])
      expect(JSON.parse(readFileSync(file!, "utf8"))).toEqual({ rank: 4, optimizer: { lr: 0.1 } })
    }),
  )

  it.live("that deletes its own directory ends as a failure, and its slot continues", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* coordinator.assign({
        command: ["/bin/sh", "-c", 'rm -rf "$SWEEP_DIRECTORY"; sleep 0.3'],
        trialJson: script(),
      })
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Failed", class: "bug" })
      const next = yield* command(coordinator, "finish")
      expect(yield* coordinator.untilEnded(next)).toMatchObject({ _tag: "Finished" })
    }),
  )

  it.live("waits its turn on a busy slot; the same assignment twice is one", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const first = yield* command(coordinator, ["sleep", 0.3], "finish")
      const second = yield* command(coordinator, "finish")
      yield* coordinator.assign({ epoch: first, command: trainerCommand, trialJson: script("finish") })
      yield* coordinator.untilEnded(second)
      expect(coordinator.of(first).ends).toHaveLength(1)
      expect(coordinator.of(first).events.filter(({ type }) => type === "started")).toHaveLength(1)
    }),
  )

  it.live("resumes from the checkpoints of the attempt before", () =>
    Effect.gen(function* () {
      const { coordinator, home } = yield* withAgent
      const first = yield* coordinator.assign({
        trial: 1,
        command: trainerCommand,
        trialJson: script(["save", "step 40"], "on-term", ["metrics", 1], ["sleep", 60]),
      })
      yield* coordinator.until(() => coordinator.of(first).points.length > 0)
      yield* coordinator.stop(first, "preempt")
      expect(yield* coordinator.untilEnded(first)).toEqual({ _tag: "Released", cause: said("asked to preempt") })
      const second = yield* coordinator.assign({
        trial: 1,
        attempt: 2,
        command: trainerCommand,
        trialJson: script("restored", "finish"),
      })
      yield* coordinator.untilEnded(second)
      expect(coordinator.of(second).sample("restored")).toBe("step 40")
      const trial = JSON.parse(readFileSync(join(home, "attempts", String(second), "trial.json"), "utf8"))
      expect(trial.resume).toBe(true)
    }),
  )
})

describe("a slot", () => {
  it.live("is withdrawn when its processes cannot be ended, and says so", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, ["metrics", 1], ["exit", 1])
      yield* coordinator.untilEnded(epoch)
      yield* coordinator.until(() => coordinator.messages.some((message) => message._tag === "Slots"))
      expect(coordinator.messages.findLast((message) => message._tag === "Slots")).toMatchObject({ slots: [] })
    }).pipe(
      // No test can put a process to sleep in the kernel: this one is said to have stayed.
      Effect.provideService(Processes, {
        isRunning: ProcessTree.isRunning,
        terminate: ProcessTree.terminate,
        kill: (tree) => Effect.as(ProcessTree.kill(tree), [tree.pid]),
      }),
    ),
  )
})

describe("a stop", () => {
  it.live("finish lets the trainer end early", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, ["slow", 1000, 0.05])
      yield* coordinator.until(() => coordinator.of(epoch).points.length > 2)
      yield* coordinator.stop(epoch, "finish", "asha: below the rung")
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished", interrupted: true })
    }),
  )

  it.live("finish ends a trainer that does not listen, with the values it reached", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, ["metrics", 4], ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).points.length === 8)
      yield* coordinator.stop(epoch, "finish")
      expect(yield* coordinator.untilEnded(epoch)).toEqual({
        _tag: "Finished",
        interrupted: true,
        step: 4,
        values: { "train/loss": 0.25, "eval/loss": 2 },
      })
    }),
  )

  it.live("preempt kills a trainer that ignores SIGTERM, and the child it put into a session of its own", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, "ignore-term", "setsid-child", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      const child = Number(coordinator.of(epoch).sample("child"))
      const started = coordinator.of(epoch).events.find((event) => event.type === "started")
      const trainer = started?.type === "started" ? started.pid : 0
      expect([runs(child), runs(trainer)]).toEqual([true, true])
      yield* coordinator.stop(epoch, "preempt", "another trial needs the slot")
      expect(yield* coordinator.untilEnded(epoch)).toEqual({
        _tag: "Released",
        cause: said("another trial needs the slot"),
      })
      expect([runs(child), runs(trainer)]).toEqual([false, false])
    }),
  )

  it.live("kill ends the whole tree at once", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, "setsid-child", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      yield* coordinator.stop(epoch, "kill", "the sweep was stopped")
      expect(yield* coordinator.untilEnded(epoch)).toEqual({ _tag: "Released", cause: said("the sweep was stopped") })
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
    }),
  )

  it.live("reaches an attempt that still waits for its slot", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const first = yield* command(coordinator, ["sleep", 60])
      const second = yield* command(coordinator, "finish")
      yield* coordinator.stop(second, "preempt", "not now")
      expect(yield* coordinator.untilEnded(second)).toEqual({ _tag: "Released", cause: said("not now") })
      expect(coordinator.of(first).ends).toEqual([])
    }),
  )

  it.live("leaves no process of a trainer that crashed", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, "setsid-child", ["exit", 3])
      yield* coordinator.untilEnded(epoch)
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
    }),
  )
})

describe("a session", () => {
  it.live("continues after a break from what was acknowledged", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, ["slow", 40, 0.03], "finish")
      yield* coordinator.until(() => coordinator.of(epoch).points.length >= 5)
      coordinator.acknowledges = false
      yield* coordinator.breakSession
      yield* coordinator.untilConnected
      coordinator.acknowledges = true
      yield* coordinator.acknowledgeAll
      yield* coordinator.untilEnded(epoch)
      const received = coordinator.of(epoch)
      expect(received.points.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
      expect(received.repeated).toBe(0)
      expect(coordinator.hellos).toHaveLength(2)
      expect(coordinator.hellos[1]!.held).toEqual([{ epoch, slot: 0, running: true, sweep: "test", trial: 1 }])
    }),
  )

  it.live("sends again what a coordinator that was set back no longer has", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* command(coordinator, ["slow", 20, 0.03], "finish")
      yield* coordinator.until(() => coordinator.of(epoch).points.length >= 5)
      coordinator.attempts.clear()
      yield* coordinator.breakSession
      yield* coordinator.untilEnded(epoch)
      expect(coordinator.of(epoch).points).toHaveLength(20)
    }),
  )

  it.live("has no more messages under way than the window while nothing is acknowledged", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      coordinator.acknowledges = false
      const epoch = yield* command(
        coordinator,
        ...Array.from({ length: 30 }, () => [
          ["metrics", 1],
          ["sleep", 0.05],
        ]).flat(),
      )
      yield* coordinator.until(() => coordinator.messages.filter(({ _tag }) => _tag === "Events").length === 8)
      yield* Effect.sleep(400)
      expect(coordinator.messages.filter(({ _tag }) => _tag === "Events")).toHaveLength(8)
      expect(coordinator.of(epoch).ends).toHaveLength(0)
      coordinator.acknowledges = true
      yield* coordinator.acknowledgeAll
      yield* coordinator.untilEnded(epoch)
      expect(coordinator.of(epoch).points).toHaveLength(60)
    }),
  )

  it.live("repeats an end that was not acknowledged", () =>
    Effect.gen(function* () {
      const { coordinator, home } = yield* withAgent
      coordinator.settles = false
      const epoch = yield* command(coordinator, "finish")
      yield* coordinator.untilEnded(epoch)
      coordinator.settles = true
      yield* coordinator.breakSession
      yield* coordinator.until(() => coordinator.of(epoch).ends.length === 2)
      expect(coordinator.hellos[1]!.held).toEqual([{ epoch, slot: 0, running: false, sweep: "test", trial: 1 }])
      yield* coordinator.breakSession
      yield* coordinator.untilConnected
      expect(coordinator.hellos[2]!.held).toEqual([])
      expect(readdirSync(join(home, "attempts"))).toEqual([String(epoch)])
    }),
  )

  it.live("ends and forgets what the coordinator no longer wants", () =>
    Effect.gen(function* () {
      const { coordinator, home } = yield* withAgent
      const epoch = yield* command(coordinator, "setsid-child", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      coordinator.discard.add(epoch)
      yield* coordinator.breakSession
      yield* coordinator.untilConnected
      while (existsSync(join(home, "attempts", String(epoch)))) yield* Effect.sleep(20)
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
      expect(coordinator.of(epoch).ends).toEqual([])
    }),
  )

  it.live("that is refused ends an agent that holds nothing, with the reason", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      coordinator.refuses = "this coordinator speaks protocol 2; upgrade the agent"
      const agent = yield* startAgent(coordinator, yield* temporaryDirectory)
      const exit = yield* agent.exit
      expect(Exit.isFailure(exit) && String(exit.cause)).toContain("upgrade the agent")
    }),
  )

  it.live("waits longer and longer between sessions that end at once", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      // 250 ms, doubled, and half of it by chance: it takes two doublings. Without them this never ends.
      for (let waited = 0; waited < 600;) {
        const greeted = coordinator.hellos.length
        const broken = yield* monotonic
        yield* coordinator.breakSession
        yield* coordinator.until(() => coordinator.hellos.length > greeted)
        yield* coordinator.untilConnected
        waited = (yield* monotonic) - broken
      }
    }),
  )

  it.live("sends heartbeats at the interval it was told", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      yield* coordinator.until(() => coordinator.messages.filter(({ _tag }) => _tag === "Heartbeat").length >= 3)
    }),
  )
})

describe("a lease", () => {
  it.live("that ends without contact ends the trial, which is reported when there is contact again", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      coordinator.timings = new Timings({ heartbeat: 50, suspect: 100, lease: 700, grace: 300, margin: 100 })
      const home = yield* temporaryDirectory
      yield* startAgent(coordinator, home)
      const epoch = yield* command(coordinator, "setsid-child", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      // Contact, as long as the session lasts.
      yield* Effect.sleep(1_500)
      const child = Number(coordinator.of(epoch).sample("child"))
      expect(runs(child)).toBe(true)
      coordinator.refuses = "away"
      yield* coordinator.breakSession
      while (runs(child)) yield* Effect.sleep(20)
      coordinator.refuses = undefined
      const end = yield* coordinator.untilEnded(epoch)
      expect(end).toMatchObject({ _tag: "Released", cause: { _tag: "LeaseLapsed" } })
    }),
  )

  it.live("is not extended by a transport that takes heartbeats and gives no answer", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      coordinator.timings = new Timings({ heartbeat: 50, suspect: 100, lease: 700, grace: 300, margin: 100 })
      yield* startAgent(coordinator, yield* temporaryDirectory)
      const epoch = yield* command(coordinator, "setsid-child", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      coordinator.hears = false
      const before = coordinator.messages.length
      const end = yield* coordinator.untilEnded(epoch)
      expect(end).toMatchObject({ _tag: "Released", cause: { _tag: "LeaseLapsed" } })
      const heartbeats = coordinator.messages.slice(before).filter(({ _tag }) => _tag === "Heartbeat")
      expect(heartbeats.length).toBeGreaterThan(3)
    }),
  )

  it.live("that has ended takes no assignment that was on its way: the agent greets the coordinator again", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      coordinator.timings = new Timings({ heartbeat: 50, suspect: 100, lease: 700, grace: 300, margin: 100 })
      coordinator.hears = false
      yield* startAgent(coordinator, yield* temporaryDirectory)
      yield* coordinator.untilConnected
      yield* Effect.sleep(1_000)
      const late = yield* command(coordinator, "finish")
      yield* coordinator.until(() => coordinator.hellos.length > 1)
      expect(coordinator.hellos[1]!.held).toEqual([])
      expect(coordinator.of(late).ends).toEqual([])
    }),
  )
})

describe("an agent that leaves", () => {
  it.live("drains: finishes what runs, gives back what waits, takes no more, then goes", () =>
    Effect.gen(function* () {
      const { coordinator, agent } = yield* withAgent
      const first = yield* command(coordinator, ["metrics", 1], ["sleep", 0.5], "finish")
      const second = yield* command(coordinator, "finish")
      yield* coordinator.until(() => coordinator.of(first).points.length > 0)
      yield* agent.drain
      yield* coordinator.until(() =>
        coordinator.messages.some((message) => message._tag === "Slots" && message.draining),
      )
      const third = yield* command(coordinator, "finish")
      expect(yield* coordinator.untilEnded(second)).toEqual({ _tag: "Released", cause: { _tag: "AgentDrains" } })
      expect(yield* coordinator.untilEnded(third)).toEqual({ _tag: "Released", cause: { _tag: "AgentDrains" } })
      expect(yield* coordinator.untilEnded(first)).toMatchObject({ _tag: "Finished", interrupted: false })
      expect(Exit.isSuccess(yield* agent.exit)).toBe(true)
    }),
  )

  it.live("released: hands the checkpoint over, then gives the trial back, and goes before the host does", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      const home = yield* temporaryDirectory
      const put: Array<string> = []
      let away = true
      const exchange = Layer.mock(ArtifactExchange)({
        offer: (_, files) => {
          // The coordinator restarts just then.
          if (away) {
            away = false
            return Effect.fail(new Unavailable({ reason: "unreachable", message: "away" }))
          }
          const wanted = files.filter(({ path }) => !put.includes(path))
          return Effect.succeed({
            wanted: wanted.map(({ path }) => ({ path, offset: 0, place: "" })),
            folder: "",
            marker: "",
          })
        },
        put: (_, { path, sha256 }) =>
          Effect.sync(() => {
            if (sha256 !== null) put.push(coordinator.of(1).ends.length > 0 ? "too late" : path)
          }),
      })
      const agent = yield* startAgent(coordinator, home, { noticeMillis: 20_000 }).pipe(Effect.provide(exchange))
      const saves = yield* command(coordinator, ["save-on-term", 3_000_000], ["metrics", 1], ["sleep", 600])
      const waits = yield* command(coordinator, "finish")
      yield* coordinator.until(() => coordinator.of(saves).points.length > 0)
      yield* agent.release
      expect(yield* coordinator.untilEnded(saves)).toEqual({
        _tag: "Released",
        cause: { _tag: "HostLeaves", seconds: 20, sign: "the test takes the host away" },
      })
      expect(put).toEqual(["checkpoints/step-7/state", "checkpoints/step-7/manifest.json"])
      expect(yield* coordinator.untilEnded(waits)).toMatchObject({ _tag: "Released" })
      expect(Exit.isSuccess(yield* agent.exit)).toBe(true)
    }),
  )

  it.live("released: gives the trial back in time when its trainer does not heed SIGTERM", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      const agent = yield* startAgent(coordinator, yield* temporaryDirectory, { noticeMillis: 1_000 })
      const epoch = yield* command(coordinator, ["ignore-term"], ["metrics", 1], ["sleep", 600])
      yield* coordinator.until(() => coordinator.of(epoch).points.length > 0)
      yield* agent.release
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Released" })
      expect(runs(pidOf(coordinator, epoch))).toBe(false)
      expect(Exit.isSuccess(yield* agent.exit)).toBe(true)
    }),
  )

  it("is told by its surroundings whether SIGTERM takes its host away", () => {
    expect(onTermHere({})).toBe("drain")
    expect(onTermHere({ SLURM_JOB_ID: "" })).toBe("drain")
    for (const name of ["SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST", "SWEEP_SPOT"]) {
      expect(onTermHere({ [name]: "1" })).toBe("release")
    }
  })

  it.live("ends what it has under a number that is given a second time, and takes what is given", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* coordinator.assign({
        trial: 1,
        command: trainerCommand,
        trialJson: script(["metrics", 1], ["sleep", 600]),
      })
      yield* coordinator.until(() => coordinator.of(epoch).points.length > 0)
      const pid = pidOf(coordinator, epoch)
      coordinator.attempts.delete(epoch)
      // Of a store that was rolled back: it knows nothing of the one that runs.
      yield* coordinator.assign({
        trial: 2,
        epoch,
        command: trainerCommand,
        trialJson: script(["metrics", 3], "finish"),
      })
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished" })
      expect(runs(pid)).toBe(false)
    }),
  )

  it.live("drains when the coordinator asks", () =>
    Effect.gen(function* () {
      const { coordinator, agent } = yield* withAgent
      yield* coordinator.send({ _tag: "Drain", reason: said("the sweep is over") })
      expect(Exit.isSuccess(yield* agent.exit)).toBe(true)
    }),
  )

  it.live("killed: ends its trials, says so, and goes", () =>
    Effect.gen(function* () {
      const { coordinator, agent } = yield* withAgent
      const epoch = yield* command(coordinator, "setsid-child", "ignore-term", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      yield* agent.drain
      yield* agent.kill
      expect(Exit.isSuccess(yield* agent.exit)).toBe(true)
      expect(coordinator.of(epoch).ends).toEqual([{ _tag: "Released", cause: { _tag: "AgentStopped" } }])
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
    }),
  )

  it.live("interrupted: takes its trials with it", () =>
    Effect.gen(function* () {
      const { coordinator, agent } = yield* withAgent
      const epoch = yield* command(coordinator, "setsid-child", ["sleep", 60])
      yield* coordinator.until(() => coordinator.of(epoch).sample("child") !== undefined)
      yield* agent.interrupt
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
    }),
  )
})

describe("a home directory", () => {
  it.live("belongs to one agent at a time and remembers its id", () =>
    Effect.gen(function* () {
      const { coordinator, home, agent } = yield* withAgent
      const refused = yield* (yield* startAgent(new ScriptedCoordinator(), home)).exit
      expect(Exit.isFailure(refused) && String(refused.cause)).toContain(
        `Another agent (process ${process.pid}) works in`,
      )
      const other = new ScriptedCoordinator()
      yield* startAgent(other, home, { homeTaken: "next" })
      yield* other.untilConnected
      expect(existsSync(`${home}-2/agent.id`)).toBe(true)
      yield* agent.interrupt
      yield* startAgent(coordinator, home)
      yield* coordinator.until(() => coordinator.hellos.length === 2)
      expect(coordinator.hellos[1]!.agent).toBe(coordinator.hellos[0]!.agent)
    }),
  )
})

describe("the warm host", () => {
  it.live("runs trial after trial in one process, and another after a failure", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, yield* temporaryDirectory, { trainers: ["peft"] })
      const assign = (...steps: Steps) => coordinator.assign({ trainer: "peft", trialJson: script(...steps) })
      const pids: Array<number> = []
      for (const steps of [["finish"], ["finish"], [["fail", "data", "record 3 is empty"]], ["finish"]]) {
        const epoch = yield* assign(...(steps as Steps))
        yield* coordinator.untilEnded(epoch)
        for (const event of coordinator.of(epoch).events) if (event.type === "started") pids.push(event.pid)
      }
      expect(pids[1]).toBe(pids[0])
      expect(pids[2]).toBe(pids[0])
      expect(pids[3]).not.toBe(pids[0])
      while (runs(pids[0]!)) yield* Effect.sleep(20)
    }),
  )

  it.live("is killed with its attempt and replaced", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, yield* temporaryDirectory, { trainers: ["peft"] })
      const first = yield* coordinator.assign({ trainer: "peft", trialJson: script(["metrics", 1], ["sleep", 60]) })
      yield* coordinator.until(() => coordinator.of(first).points.length > 0)
      yield* coordinator.stop(first, "kill", "cancelled")
      expect(yield* coordinator.untilEnded(first)).toEqual({ _tag: "Released", cause: said("cancelled") })
      const second = yield* coordinator.assign({ trainer: "peft", trialJson: script("finish") })
      expect(yield* coordinator.untilEnded(second)).toMatchObject({ _tag: "Finished" })
    }),
  )

  it.live("that cannot start fails its trial with the reason", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, yield* temporaryDirectory, {
        trainers: ["peft"],
        pythonPath: join(fixtures, "no-package-here"),
      })
      const epoch = yield* coordinator.assign({ trainer: "peft", trialJson: script("finish") })
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({
        _tag: "Failed",
        class: "dependency",
        message: { words: expect.stringContaining("sweep_trainer") },
      })
    }),
  )

  it.live("is not started by an agent whose owner does not allow it", () =>
    Effect.gen(function* () {
      const { coordinator } = yield* withAgent
      const epoch = yield* coordinator.assign({ trainer: "peft", trialJson: script("finish") })
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({
        class: "dependency",
        message: { _tag: "TrainerForbidden", trainer: "peft" },
      })
    }),
  )
})

describe("a trainer that hangs", () => {
  it.live("is ended when it has written nothing for too long, its children with it, and its trial failed", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, yield* temporaryDirectory, { silenceMillis: 1_000 })
      yield* coordinator.untilConnected
      const epoch = yield* command(coordinator, "ignore-term", "setsid-child", ["metrics", 3], ["sleep", 600])
      const end = yield* coordinator.untilEnded(epoch)
      expect(end).toMatchObject({
        _tag: "Failed",
        class: "bug",
        message: { _tag: "NoProgress", step: 3 },
      })
      expect(runs(Number(coordinator.of(epoch).sample("child")))).toBe(false)
    }),
  )

  it.live("is not one that says something now and then", () =>
    Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, yield* temporaryDirectory, { silenceMillis: 2_000 })
      yield* coordinator.untilConnected
      const talks = Array.from({ length: 8 }, () => [
        ["sleep", 0.5],
        ["complain", "still here"],
      ]).flat()
      const epoch = yield* command(coordinator, ...talks, "finish")
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished" })
    }),
  )
})

describe("a slot of a GPU", () => {
  it.live("is not offered while another program is in its memory, and offered again when that is gone", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      const used = join(home, "used")
      writeFileSync(used, "60000")
      writeFileSync(
        join(home, "nvidia-smi"),
        `#!/bin/sh\necho "0, GPU-5a8e1f20-31c5-2c7b-9d84-0f4a6b7c8d9e, NVIDIA H100, 81559, $(cat ${used})"\n`,
        {
          mode: 0o755,
        },
      )
      const { PATH, CUDA_VISIBLE_DEVICES } = process.env
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env["PATH"] = `${home}:${PATH}`
          delete process.env["CUDA_VISIBLE_DEVICES"]
        }),
        () =>
          Effect.sync(() => {
            process.env["PATH"] = PATH
            if (CUDA_VISIBLE_DEVICES !== undefined) process.env["CUDA_VISIBLE_DEVICES"] = CUDA_VISIBLE_DEVICES
          }),
      )
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, join(home, "agent"))
      yield* coordinator.untilConnected
      const offered = (count: number) =>
        coordinator.until(() => {
          const last = coordinator.messages.findLast((message) => message._tag === "Slots")
          return last?._tag === "Slots" && last.slots.length === count
        })
      yield* offered(0)
      // What was on its way is given back, at no cost.
      const early = yield* command(coordinator, "finish")
      expect(yield* coordinator.untilEnded(early)).toMatchObject({ _tag: "Released" })
      writeFileSync(used, "3")
      yield* offered(1)
      const epoch = yield* command(coordinator, "finish")
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished" })
    }),
  )
})

it.live("a disk that is full takes no attempts, and takes them again when there is room", (context) =>
  Effect.gen(function* () {
    const home = yield* temporaryDirectory
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", home], { stdio: "ignore" })
    } catch {
      return context.skip("this process may not mount a disk")
    }
    yield* Effect.gen(function* () {
      const coordinator = new ScriptedCoordinator()
      yield* startAgent(coordinator, home)
      yield* coordinator.untilConnected
      const early = yield* command(coordinator, "finish")
      expect(yield* coordinator.untilEnded(early)).toMatchObject({
        _tag: "Released",
        cause: { _tag: expect.stringMatching(/^Slot(Busy|Missing)$/) },
      })
      execFileSync("mount", ["-o", "remount,size=1g", home])
      yield* coordinator.until(() => {
        const last = coordinator.messages.findLast((message) => message._tag === "Slots")
        return last?._tag === "Slots" && last.slots.length === 1
      })
      const epoch = yield* command(coordinator, "finish")
      expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished" })
    }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => execFileSync("umount", ["-l", home]))))
  }),
)
