// The agent with the real trainer in its warm host, on the quickstart's model and a little of its data.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { defaultTimings } from "@sweep/domain/Lease"
import type { Parameters } from "@sweep/domain/Parameter"
import { fromParameters } from "@sweep/domain/TrainingConfig"
import type { TrialEventOf } from "@sweep/domain/TrialEvent"
import { said } from "@sweep/domain/Reason"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Received, ScriptedCoordinator } from "./ScriptedCoordinator.ts"
import { startAgent, temporaryDirectory } from "./testAgent.ts"

const root = resolve(import.meta.dirname, "../../..")
const quickstart = join(root, "sweeps/quickstart")
const model = process.env["SWEEP_TEST_MODEL"] ?? join(quickstart, "base-model")
const python = process.env["SWEEP_PYTHON"] ?? join(root, ".venv/bin/python")

const data = mkdtempSync(join(tmpdir(), "sweep-data-"))
afterAll(() => rmSync(data, { recursive: true, force: true }))
const some = (file: string, count: number): string => {
  const path = join(data, file)
  const records: ReadonlyArray<unknown> = JSON.parse(readFileSync(join(quickstart, file), "utf8"))
  writeFileSync(path, JSON.stringify(records.slice(0, count)))
  return path
}
const files = { train: some("train.json", 48), eval: some("eval.json", 8) }

const trial = (steps: number, parameters: Parameters = {}, train = files.train) => ({
  seed: 7,
  parameters: { rank: 4 },
  training: Result.getOrThrow(
    fromParameters(
      { model, ...files, train },
      { rank: 4, learning_rate: 1e-3, max_steps: steps, batch_size: 8, ...parameters },
    ),
  ),
  metric: { name: "eval/loss", goal: "minimize" },
  probes: [],
  resume: true,
})

const started = (received: Received): TrialEventOf<"started"> =>
  received.events.find((event): event is TrialEventOf<"started"> => event.type === "started")!

/** A Python whose trainer may take `megabytes` of addresses beyond what its imports took. */
const limitedPython = (megabytes: number): string => {
  const path = join(data, "limited-python")
  const program = `
import resource, sys
import peft, torch._dynamo
from sweep_trainer.training import training_run
from sweep_trainer.__main__ import main
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ${megabytes} * 2**20,) * 2)
sys.exit(main(sys.argv[1:]))`
  // In the place of \`python -m sweep_trainer …\`.
  writeFileSync(path, `#!/bin/sh\nshift 2\nexec ${python} -c '${program}' "$@"\n`, { mode: 0o755 })
  return path
}

describe("the PEFT trainer", () => {
  it.live(
    "runs trials in one warm process, alike for the same seed; a preempted one resumes from its checkpoint",
    () =>
      Effect.gen(function* () {
        const coordinator = new ScriptedCoordinator()
        // The default grace time: a checkpoint has to be written within it.
        coordinator.timings = defaultTimings
        const home = yield* temporaryDirectory
        yield* startAgent(coordinator, home, {
          trainers: ["peft"],
          python,
          pythonPath: join(root, "agents/trainer/src"),
        })
        const assign = (number: number, attempt: number, steps: number) =>
          coordinator.assign({
            trial: number,
            attempt,
            trainer: "peft",
            trialJson: { contract: 1, sweep: "test", trial: number, attempt, epoch: 1, ...trial(steps) },
          })
        const first = yield* assign(1, 1, 4)
        const second = yield* assign(2, 1, 4)
        for (const epoch of [first, second]) {
          const end = yield* coordinator.untilEnded(epoch)
          expect(end).toMatchObject({ _tag: "Finished", interrupted: false, step: 4 })
        }
        const [one, two] = [coordinator.of(first), coordinator.of(second)]
        expect([started(one).warm, started(two).warm]).toEqual([false, true])
        expect(started(two).pid).toBe(started(one).pid)
        const losses = (received: Received) => received.points.filter(({ metric }) => metric.endsWith("/loss"))
        expect(losses(two)).toEqual(losses(one))
        expect(losses(one).length).toBeGreaterThan(4)
        expect(existsSync(join(home, "attempts", String(second), "adapter/adapter_model.safetensors"))).toBe(true)

        const third = yield* assign(3, 1, 400)
        yield* coordinator.until(() => coordinator.of(third).events.some(({ type }) => type === "checkpoint"))
        yield* coordinator.stop(third, "preempt", "the sweep is paused")
        expect(yield* coordinator.untilEnded(third)).toEqual({ _tag: "Released", cause: said("the sweep is paused") })
        const fourth = yield* assign(3, 2, 400)
        yield* coordinator.until(() => coordinator.of(fourth).points.length > 0)
        yield* coordinator.stop(fourth, "finish", "asha: below the rung")
        const end = yield* coordinator.untilEnded(fourth)
        expect(end).toMatchObject({ _tag: "Finished", interrupted: true })
        const reached = Math.max(...coordinator.of(third).points.map(({ step }) => step))
        const wentOn = Math.min(...coordinator.of(fourth).points.map(({ step }) => step))
        expect(wentOn).toBeGreaterThan(1)
        expect(wentOn).toBeLessThanOrEqual(reached + 10)
        expect(started(coordinator.of(fourth)).pid).not.toBe(started(one).pid)
      }),
    600_000,
  )

  it.live.skipIf(!existsSync("/proc/self/statm"))(
    "continues after a trial that diverged; one that runs out of memory takes smaller pieces and completes",
    () =>
      Effect.gen(function* () {
        const coordinator = new ScriptedCoordinator()
        const home = yield* temporaryDirectory
        yield* startAgent(coordinator, home, {
          trainers: ["peft"],
          python: limitedPython(300),
          pythonPath: join(root, "agents/trainer/src"),
        })
        const assign = (number: number, one: ReturnType<typeof trial>) =>
          coordinator.assign({
            trial: number,
            attempt: 1,
            trainer: "peft",
            trialJson: { contract: 1, sweep: "test", trial: number, attempt: 1, epoch: 1, ...one },
          })
        const absurd = { learning_rate: 1e30, max_grad_norm: 0, schedule: "constant" }
        const diverged = yield* assign(1, trial(8, absurd))
        expect(yield* coordinator.untilEnded(diverged)).toMatchObject({
          _tag: "Failed",
          class: "diverged",
          message: { text: expect.stringContaining("lower the learning rate (1e+30)") },
        })

        const long = join(data, "long.json")
        const answer = "red blue green one two three ".repeat(200)
        writeFileSync(long, JSON.stringify(Array.from({ length: 16 }, () => ({ instruction: "x", output: answer }))))
        const large = yield* assign(2, trial(1, { batch_size: 16, micro_batch_size: 16 }, long))
        expect(yield* coordinator.untilEnded(large)).toMatchObject({ _tag: "Finished", step: 1 })
        const smaller = coordinator.of(large).events.filter((event) => "out_of_memory" in event)
        expect(smaller.length).toBeGreaterThan(0)

        const next = yield* assign(3, trial(4))
        expect(yield* coordinator.untilEnded(next)).toMatchObject({ _tag: "Finished", step: 4 })
        const pids = [diverged, next].map((epoch) => started(coordinator.of(epoch)).pid!)
        yield* coordinator.until(() => !existsSync(`/proc/${pids[0]}`))
        expect(existsSync(`/proc/${pids[1]}`)).toBe(true)
      }),
    600_000,
  )
})
