// Population-based training: rounds of members on two agents, with the real coordinator and folder of files.
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { onTestFinished } from "vitest"
import type { Epoch, SweepId } from "@sweep/domain/Id"
import { TrialNumber } from "@sweep/domain/Id"
import { Coordinator } from "../src/Coordinator.ts"
import type { AttemptEnd } from "@sweep/protocol/AgentMessage"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import * as FolderArtifacts from "@sweep/store/FolderArtifacts"
import { layerMemory, Store } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import {
  connectAgent,
  evalLosses,
  eventually,
  finished,
  type Received,
  type ScriptedAgent,
  slotsOf,
} from "@sweep/protocol/ScriptedAgent"
import { agentInScope, coordinator, sweepIs, trialIs, trialOf } from "./harness.ts"

const pbt = {
  type: "pbt",
  resource: "step",
  interval: 10,
  population: 4,
  quantile: 0.25,
  resample_probability: 0,
  perturb: [0.5, 2],
  parameters: null,
}

/** Ranks 4 and 8 with two learning rates each: the learning rate may change, the rank may not. */
const population = (change: Parameters<typeof exampleSpec>[0] = {}) =>
  exampleSpec({
    method: "random",
    budget: { trials: 4, gpuHours: null, hours: null },
    space: {
      dimensions: [
        { name: "rank", distribution: { _tag: "Constant", value: 4 }, when: null, prior: null },
        {
          name: "learning_rate",
          distribution: { _tag: "LogUniform", min: 1e-5, max: 1e-1 },
          when: null,
          prior: null,
        },
      ],
      derived: [],
      constraints: [],
    },
    earlyTerminate: pbt,
    ...change,
  })

const folder = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-population-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
const inFolder = () =>
  coordinator().pipe(
    Layer.provide(FolderArtifacts.layer({ directory: join(folder(), "artifacts") })),
    Layer.provideMerge(layerMemory),
  )

interface Document {
  readonly parameters: { readonly learning_rate: number }
  readonly pause_at: { readonly resource: string; readonly at: number }
  readonly parent?: { readonly trial: number; readonly epoch: number; readonly step: number }
}
interface Run {
  readonly agent: ScriptedAgent
  readonly sweep: SweepId
  readonly trial: number
  readonly epoch: Epoch
  readonly attempt: number
  readonly document: Document
}

const run = (agent: ScriptedAgent, { sweep, trial, epoch, attempt, trialJson }: Received<"Assign">): Run => ({
  agent,
  sweep,
  trial,
  epoch,
  attempt,
  document: JSON.parse(trialJson) as Document,
})

/** The next `count` trials that each of the agents is given, by their numbers. */
const given = Effect.fnUntraced(function* (agents: ReadonlyArray<ScriptedAgent>, count: number) {
  const runs = new Map<number, Run>()
  for (const agent of agents) {
    for (let i = 0; i < count; i++) {
      const next = run(agent, yield* agent.next("Assign"))
      runs.set(next.trial, next)
    }
  }
  return runs
})

const failed = (of: "oom" | "diverged"): AttemptEnd => ({
  _tag: "Failed",
  class: of,
  message: said("it broke"),
  detail: null,
})

/** Reports the value at the point where the run waits, and how its attempt ended there. */
const arrive = Effect.fnUntraced(function* ({ agent, epoch, document }: Run, loss: number, other?: AttemptEnd) {
  const end = other ?? { _tag: "Released", cause: said("it waits"), pausedAt: document.pause_at.at }
  yield* agent.report(epoch, [{ step: document.pause_at.at, values: { "eval/loss": loss } }])
  yield* agent.ended(epoch, 1, end)
  yield* agent.confirmed(epoch)
})

/** Hands over the checkpoint at the point where the run waits; its content names the attempt. */
const handOver = Effect.fnUntraced(function* ({ sweep, trial, epoch, document }: Run) {
  const exchange = yield* ArtifactExchange
  const owner = { sweep, trial: TrialNumber.make(trial), epoch }
  const data = Buffer.from(`weights of ${trial} by ${epoch}`)
  const sha256 = createHash("sha256").update(data).digest("hex")
  const step = String(document.pause_at.at).padStart(8, "0")
  const files = ["optimizer.pt", "manifest.json"].map((name) => ({
    path: `checkpoints/step-${step}/${name}`,
    bytes: data.byteLength,
  }))
  for (const { path } of (yield* exchange.offer(owner, files)).wanted) {
    yield* exchange.put(owner, { path, bytes: data.byteLength, offset: 0, data, sha256 })
  }
})

const wait = Effect.fnUntraced(function* (at: Run, loss: number) {
  yield* arrive(at, loss)
  yield* handOver(at)
})

/** What an agent without a checkpoint gets to resume from. */
const checkpointFor = Effect.fnUntraced(function* (sweep: SweepId, trial: number) {
  const exchange = yield* ArtifactExchange
  const number = TrialNumber.make(trial)
  const files = yield* exchange.listCheckpoint(sweep, number)
  const pieces = yield* Effect.forEach(files, (file) => Stream.runCollect(exchange.fetch(sweep, number, file)))
  return files.map(({ path }, i) => [path, Buffer.concat(Array.from(pieces[i]!)).toString()]).sort()
})

const lineageOf = (sweep: SweepId, trial: number) => Effect.map(trialOf(sweep, trial), (found) => found!.lineage)

const begin = Effect.fnUntraced(function* (change: Parameters<typeof population>[0] = {}) {
  const sweep = yield* (yield* SweepApi).submit(population(change))
  const one = yield* agentInScope({ id: "one", slots: slotsOf(2) })
  const two = yield* agentInScope({ id: "two", hostname: "other", slots: slotsOf(2) })
  const agents = [one.agent, two.agent]
  return { sweep, agents, one, two, runs: yield* given(agents, 2) }
})

describe("a population", () => {
  it.effect("continues together once all wait and their checkpoints are there, the worst from the best", () =>
    Effect.gen(function* () {
      const { sweep, agents, runs } = yield* begin()
      expect(Array.from(runs.values(), ({ document }) => document.pause_at)).toEqual(
        Array.from({ length: 4 }, () => ({ resource: "step", at: 10 })),
      )
      // Trial 4 is the best, trial 1 the worst: they are on different agents.
      const worst = runs.get(1)!
      const best = runs.get(4)!
      expect(worst.agent.id).not.toBe(best.agent.id)
      for (const [trial, at] of runs) if (trial !== 4) yield* wait(at, 5 - trial)
      yield* arrive(best, 1)
      yield* trialIs(sweep, 4, "paused")
      // Its weights are not there yet, only those of an evaluation before.
      yield* handOver({ ...best, document: { ...best.document, pause_at: { resource: "step", at: 8 } } })
      expect(agents.map((agent) => agent.waiting("Assign"))).toEqual([0, 0])
      yield* handOver(best)

      const second = yield* given(agents, 2)
      const exploiting = second.get(1)!
      // The host that had the trial continues with it.
      expect(exploiting.agent.id).toBe(worst.agent.id)
      expect(exploiting).toMatchObject({
        attempt: 2,
        document: { pause_at: { at: 20 }, parent: { trial: 4, epoch: best.epoch, step: 10 } },
      })
      const factor = exploiting.document.parameters.learning_rate / best.document.parameters.learning_rate
      expect([0.5, 2].some((one) => Math.abs(factor / one - 1) < 1e-9)).toBe(true)
      const copied = `weights of 4 by ${best.epoch}`
      expect(yield* checkpointFor(sweep, 1)).toEqual([
        ["checkpoints/step-00000010/manifest.json", copied],
        ["checkpoints/step-00000010/optimizer.pt", copied],
      ])
      for (const trial of [2, 3, 4]) {
        expect(second.get(trial)!.document).toMatchObject({
          pause_at: { at: 20 },
          parameters: runs.get(trial)!.document.parameters,
        })
        expect(second.get(trial)!.document.parent).toBeUndefined()
        expect((yield* checkpointFor(sweep, trial))[0]![1]).toBe(`weights of ${trial} by ${runs.get(trial)!.epoch}`)
      }
      expect(yield* lineageOf(sweep, 1)).toEqual([
        {
          trial: 4,
          epoch: best.epoch,
          step: 10,
          after: worst.epoch,
          replaced: { rank: 4, ...worst.document.parameters },
          reason: { _tag: "Exploits", resource: "step", at: 10, place: 4, among: 4, parent: 4, value: 1 },
        },
      ])

      // Now trial 2 is the worst and trial 1 the best: what it took over is handed on.
      for (const [trial, at] of second) yield* wait(at, trial === 2 ? 9 : trial / 10)
      const third = yield* given(agents, 2)
      expect(third.get(2)!.document.parent).toMatchObject({ trial: 1, epoch: exploiting.epoch, step: 20 })
      // Who has a checkpoint of its own since then resumes from that.
      expect((yield* checkpointFor(sweep, 1))[0]).toEqual([
        "checkpoints/step-00000020/manifest.json",
        `weights of 1 by ${exploiting.epoch}`,
      ])
      expect(third.get(1)!.document.parent).toEqual(exploiting.document.parent)

      for (const [trial, { agent, epoch }] of third) {
        yield* agent.report(epoch, [{ step: 30, values: { "eval/loss": trial / 100 } }])
        yield* agent.ended(epoch, 1, finished())
      }
      const { trials } = yield* sweepIs(sweep, "finished")
      expect(Array.from(trials.values(), ({ state, attempt, rounds }) => ({ state, attempt, rounds }))).toEqual(
        Array.from({ length: 4 }, () => ({ state: "completed", attempt: 3, rounds: 2 })),
      )
      // Two of them say nothing of the parameters that they ended with.
      const taught = yield* (yield* SweepApi).submit(
        population({ earlyTerminate: null, warmStart: [sweep], method: "tpe" }),
      )
      const learned = (yield* (yield* SweepApi).get(taught)).spec.learned ?? []
      expect(learned.map(({ trial }) => trial)).toEqual([3, 4])
      // What is not resumed from any more is not kept.
      yield* eventually(
        "no checkpoint is kept",
        Effect.map((yield* SweepApi).artifacts(sweep, null), (all) => all.length === 0),
      )
    }).pipe(Effect.scoped, Effect.provide(inFolder())),
  )

  it.effect("what a member had reached before it took another's place is not its result", () =>
    Effect.gen(function* () {
      const { sweep, agents, runs } = yield* begin({ earlyTerminate: { ...pbt, interval: 20 } })
      const { agent, epoch } = runs.get(1)!
      // On its way it was better than it ever is again.
      yield* agent.report(epoch, [{ step: 10, values: { "eval/loss": 0.001 } }])
      yield* agent.report(epoch, [{ step: 20, values: { "eval/loss": 9 } }], 2)
      yield* agent.ended(epoch, 2, { _tag: "Released", cause: said("it waits"), pausedAt: 20 })
      yield* agent.confirmed(epoch)
      yield* handOver(runs.get(1)!)
      for (const trial of [2, 3, 4]) yield* wait(runs.get(trial)!, trial)
      const second = yield* given(agents, 2)
      expect(second.get(1)!.document.parent).toMatchObject({ trial: 2 })
      for (const { agent, epoch } of second.values()) {
        yield* agent.report(epoch, [{ step: 30, values: { "eval/loss": 0.5 } }])
        yield* agent.ended(epoch, 1, finished())
      }
      expect((yield* trialIs(sweep, 1, "completed"))?.objective).toBe(0.5)
    }).pipe(Effect.scoped, Effect.provide(inFolder())),
  )

  it.effect("continues without those who fail, diverge, run out of memory or are stopped", () =>
    Effect.gen(function* () {
      const { sweep, agents, runs } = yield* begin({ budget: { trials: 4, gpuHours: null, hours: null } })
      yield* arrive(runs.get(1)!, Number.NaN, failed("diverged"))
      yield* wait(runs.get(2)!, 2)
      yield* wait(runs.get(3)!, 3)
      yield* (yield* SweepApi).control(sweep, TrialNumber.make(4), "stop", said("enough"))
      yield* arrive(runs.get(4)!, 0.1, finished({ interrupted: true }))
      const second = new Map<number, Run>()
      for (const trial of [2, 3]) {
        const { agent } = runs.get(trial)!
        const next = run(agent, yield* agent.next("Assign"))
        second.set(next.trial, next)
      }
      // The best has left with its weights: the best of the others is resumed from.
      expect(second.get(3)!.document.parent).toMatchObject({ trial: 2 })
      yield* arrive(second.get(3)!, 1, failed("oom"))
      yield* wait(second.get(2)!, 2)
      const { agent } = second.get(2)!
      const last = run(agent, yield* agent.next("Assign"))
      expect(last).toMatchObject({ trial: 2, document: { pause_at: { at: 30 } } })
      yield* agent.complete(last.epoch, evalLosses(1))
      const { trials } = yield* sweepIs(sweep, "finished")
      expect(Array.from(trials.values(), ({ state }) => state)).toEqual([
        "failed",
        "completed",
        "infeasible",
        "stopped",
      ])
      expect(agents.map((one) => one.waiting("Assign"))).toEqual([0, 0])
    }).pipe(Effect.scoped, Effect.provide(inFolder())),
  )

  it.effect("tries again who is lost on the way, and waits for it", () =>
    Effect.gen(function* () {
      const { sweep, one, two, runs } = yield* begin()
      const lost = Array.from(runs.values()).filter(({ agent }) => agent.id === one.agent.id)
      const kept = Array.from(runs.values()).filter(({ agent }) => agent.id === two.agent.id)
      for (const at of kept) yield* wait(at, at.trial)
      yield* one.cut
      yield* (yield* Coordinator).agentGone(one.agent.id, said("its host is gone"))
      const again = yield* given([two.agent], 2)
      expect(Array.from(again.keys()).sort()).toEqual(lost.map(({ trial }) => trial).sort())
      for (const at of again.values()) {
        expect(at).toMatchObject({ attempt: 2, document: { pause_at: { at: 10 } } })
        yield* wait(at, at.trial)
      }
      // Four members on two slots.
      const second = yield* given([two.agent], 2)
      for (const at of second.values()) expect(at.document.pause_at.at).toBe(20)
      for (let trial = 1; trial <= 4; trial++) expect((yield* trialOf(sweep, trial))?.rounds).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(inFolder())),
  )

  it.effect("a member whose host dies while it waits continues elsewhere from what was handed over", () =>
    Effect.gen(function* () {
      const { sweep, one, two, runs } = yield* begin()
      const here = Array.from(runs.values()).filter(({ agent }) => agent.id === one.agent.id)
      const there = Array.from(runs.values()).filter(({ agent }) => agent.id === two.agent.id)
      // Of the best, its checkpoint is there; that of the second best was still on the host.
      yield* wait(here[0]!, 0.1)
      yield* arrive(here[1]!, 0.2)
      for (const [i, at] of there.entries()) yield* wait(at, i + 1)
      yield* trialIs(sweep, here[1]!.trial, "paused")
      expect(two.agent.waiting("Assign")).toBe(0)
      yield* one.cut
      yield* (yield* Coordinator).agentGone(one.agent.id, said("its host is gone"))
      const second = yield* given([two.agent], 2)
      const [goesOn, begins] = here.map(({ trial }) => second.get(trial))
      expect((yield* checkpointFor(sweep, goesOn!.trial))[0]![1]).toBe(
        `weights of ${here[0]!.trial} by ${here[0]!.epoch}`,
      )
      // It begins again, and waits where the others do.
      expect(yield* checkpointFor(sweep, begins!.trial)).toEqual([])
      expect(begins!.document.pause_at.at).toBe(20)
      for (const at of second.values()) yield* wait(at, at.document.pause_at.at)
      for (const [trial, at] of yield* given([two.agent], 2)) second.set(trial, at)
      expect(Array.from(second.keys()).sort()).toEqual([1, 2, 3, 4])
      expect(second.get(there[1]!.trial)!.document.parent).toMatchObject({ trial: here[0]!.trial, step: 10 })
    }).pipe(Effect.scoped, Effect.provide(inFolder())),
  )

  it.effect("does not wait for ever for a checkpoint that never comes", () =>
    Effect.gen(function* () {
      const { agents, runs } = yield* begin()
      for (const [trial, at] of runs) yield* trial === 4 ? arrive(at, 0.1) : wait(at, trial)
      yield* TestClock.adjust("1 minute")
      expect(agents.map((agent) => agent.waiting("Assign"))).toEqual([0, 0])
      const beat = Effect.forEach(agents, ({ send }) => send({ _tag: "Heartbeat", at: 0 }))
      for (let second = 0; second < 20 * 60; second += 5) yield* Effect.andThen(TestClock.adjust("5 seconds"), beat)
      const second = yield* given(agents, 2)
      // Nobody resumes from the best, whose weights are its own agent's alone.
      expect(Array.from(second.values()).flatMap(({ document }) => document.parent ?? [])).toEqual([])
    }).pipe(Effect.scoped, Effect.provide(inFolder())),
  )

  it.live("is the same round after the coordinator was killed in the middle of it", () =>
    Effect.gen(function* () {
      const home = folder()
      const on = coordinator().pipe(
        Layer.provide(FolderArtifacts.layer({ directory: join(home, "artifacts") })),
        Layer.provideMerge(duckdb({ directory: join(home, "store") })),
      )
      const before = yield* Effect.gen(function* () {
        const { runs } = yield* begin()
        yield* wait(runs.get(1)!, 4)
        yield* wait(runs.get(2)!, 3)
        // Its checkpoint does not arrive any more.
        yield* arrive(runs.get(3)!, 1)
        return { runs }
      }).pipe(Effect.scoped, Effect.provide(on))

      yield* Effect.gen(function* () {
        const { runs } = before
        const held = (id: string) =>
          runs.get(4)!.agent.id === id ? [{ epoch: runs.get(4)!.epoch, slot: 1, running: true }] : []
        const one = yield* connectAgent({ id: "one", slots: slotsOf(2), held: held("one") })
        const two = yield* connectAgent({ id: "two", slots: slotsOf(2), held: held("two") })
        const agents = [one, two]
        const agent = agents.find(({ id }) => id === runs.get(4)!.agent.id)!
        yield* wait({ ...runs.get(4)!, agent }, 2)
        expect(agents.map((each) => each.waiting("Assign"))).toEqual([0, 0])
        yield* handOver(runs.get(3)!)
        const second = yield* given(agents, 2)
        expect(second.get(1)!.document.parent).toMatchObject({ trial: 3, epoch: runs.get(3)!.epoch })
        for (const { attempt, document } of second.values()) {
          expect({ attempt, at: document.pause_at.at }).toEqual({ attempt: 2, at: 20 })
        }
        const facts = yield* (yield* Store).facts
        const count = (tag: string) => facts.filter((fact) => fact._tag === tag).length
        expect(["TrialPaused", "TrialExploited", "TrialResumed"].map(count)).toEqual([4, 1, 3])
      }).pipe(Effect.scoped, Effect.provide(on))
    }),
  )

  it.effect("is refused where it makes no sense, in words", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const refused = [
        [{ trainer: "command", command: ["train"] }, /peft/],
        [{ earlyTerminate: { ...pbt, resource: "seconds" } }, /epoch or step/],
        [{ method: "tpe" }, /random, sobol or grid/],
        [{ artifacts: "none" }, /keeps none/],
        [{ replicas: 2 }, /seeds: 1/],
        [{ reuse: true }, /reuse/],
        [{ earlyTerminate: { ...pbt, population: 8 } }, /population of 8/],
        [{ earlyTerminate: { ...pbt, parameters: ["rank"] } }, /rank cannot change/],
        [{ earlyTerminate: { ...pbt, parameters: ["dropout"] } }, /dropout is not searched/],
        [{ earlyTerminate: { ...pbt, resource: "epoch", interval: 3 } }, /nobody would wait/],
        [{ earlyTerminate: { ...pbt, resource: "epoch", interval: 0.75 } }, /multiple of 0\.5/],
        [
          { space: { dimensions: [population().space.dimensions[0]!], derived: [], constraints: [] } },
          /nothing to change/,
        ],
      ] as const
      for (const [change, message] of refused) {
        const refusal = yield* Effect.flip(api.submit(population(change)))
        expect(refusal, String(message)).toMatchObject({ _tag: "Refused", message: expect.stringMatching(message) })
      }
    }).pipe(Effect.provide(inFolder())),
  )
})
