// Starts the real agent in this process against a scripted coordinator, with a home directory of its own.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as memory from "@sweep/protocol/memoryAgentConnection"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { type AgentOptions, runAgent } from "../src/Agent.ts"
import type { ScriptedCoordinator } from "./ScriptedCoordinator.ts"

export const fixtures = join(import.meta.dirname, "fixtures")
const python = process.env["PYTHON"] ?? "python3"
/** The `command` trainer of the tests. */
export const trainerCommand = [python, join(fixtures, "trainer.py")]

/** A directory that goes with the test. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sweep-agent-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
)

export const startAgent = (
  coordinator: ScriptedCoordinator,
  home: string,
  overrides: Partial<Omit<AgentOptions, "stops" | "home">> = {},
) =>
  Effect.gen(function* () {
    const drain = Deferred.makeUnsafe<string>()
    const release = Deferred.makeUnsafe<string>()
    const kill = Deferred.makeUnsafe<string>()
    const running = runAgent({
      home,
      homeTaken: "refuse",
      version: "0.0.0-test",
      python,
      pythonPath: join(fixtures, "package"),
      trainers: ["command"],
      slotsPerDevice: 1,
      stops: { drain: Deferred.await(drain), release: Deferred.await(release), kill: Deferred.await(kill) },
      ...overrides,
    }).pipe(
      Effect.provide(memory.layer.pipe(Layer.provide(coordinator.layer))),
      Effect.provide(Logger.layer(process.env["SWEEP_TEST_LOG"] === undefined ? [] : [Logger.defaultLogger])),
    )
    const fiber = yield* Effect.forkScoped(running)
    return {
      fiber,
      exit: Fiber.await(fiber),
      drain: Deferred.succeed(drain, "the test drains"),
      release: Deferred.succeed(release, "the test takes the host away"),
      kill: Deferred.succeed(kill, "the test kills"),
      interrupt: Fiber.interrupt(fiber),
    }
  })

export type Steps = ReadonlyArray<string | ReadonlyArray<unknown>>

/** trial.json for test/fixtures/trainer.py. */
export const script = (...steps: Steps) => ({
  seed: 1,
  parameters: { rank: 4 },
  script: steps,
})
