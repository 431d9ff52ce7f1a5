// The agent with the real trainer in its warm host, on the quickstart's model and a little of its data.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { defaultTimings } from "@sweep/domain/Lease"
import { fromParameters } from "@sweep/domain/TrainingConfig"
import type { TrialEventOf } from "@sweep/domain/TrialEvent"
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

const trial = (steps: number) => ({
  seed: 7,
  parameters: { rank: 4 },
  training: Result.getOrThrow(
    fromParameters({ model, ...files }, { rank: 4, learning_rate: 1e-3, max_steps: steps, batch_size: 8 }),
  ),
  metric: { name: "eval/loss", goal: "minimize" },
  probes: [],
  resume: true,
})

const started = (received: Received): TrialEventOf<"started"> =>
  received.events.find((event): event is TrialEventOf<"started"> => event.type === "started")!

describe("the PEFT trainer", () => {
  it.live(
    "runs trials in one warm process, alike for the same seed; a preempted one goes on from its checkpoint",
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
        expect(yield* coordinator.untilEnded(third)).toEqual({ _tag: "Released", cause: "the sweep is paused" })
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
})
