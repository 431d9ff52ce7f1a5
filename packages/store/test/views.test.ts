import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, parseRef, SweepId, TrialNumber } from "@sweep/domain/Id"
import { foldFacts } from "@sweep/domain/SweepState"
import { trialStates } from "@sweep/domain/Trial"
import { Verdict } from "@sweep/domain/Verdict"
import { random } from "@sweep/search/Random"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { type Origin, originText, sampled } from "@sweep/domain/Origin"
import { said } from "@sweep/domain/Reason"
import { exampleReasons } from "@sweep/domain/exampleReasons"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import { batchOf, epochNumber, logOf, type Point, sweep, trialNumber } from "./storeFixtures.ts"
import { attemptRecords } from "../src/attemptRecords.ts"
import { layer } from "../src/duckdb/DuckdbStore.ts"
import { layerMemory, Store } from "../src/Store.ts"
import { freshDirectory } from "./directory.ts"

const reasons = [
  ...exampleReasons({ count: 1, value: null, sinceStep: null }),
  ...exampleReasons({ count: 3, value: 0.123456 }),
]

/** Facts in any order, legal or not, of two sweeps with three trials each and few epochs. */
const randomFacts = (seed: number, count: number): ReadonlyArray<Fact> => {
  const draw = random(seed, 0, "facts")
  const epochs = Array.from({ length: 4 }, (_, i) => Epoch.make(i + 1))
  const pick = <A>(from: ReadonlyArray<A>): A => from[draw.index(from.length)]!
  const objective = () => pick([null, 0.5, 1e-9, -3])
  return Array.from({ length: count }, (_, i): Fact => {
    const at = { at: 1000 + i }
    const ofSweep = { ...at, sweep: SweepId.make(`${pick(["a", "b"])}${seed}`) }
    const ofTrial = { ...ofSweep, trial: TrialNumber.make(1 + draw.index(3)) }
    const ofAttempt = { ...ofTrial, epoch: pick(epochs) }
    const reason = draw.uniform() < 0.2 ? said(`because ${i}`) : pick(reasons)
    const values = { "eval/loss": objective(), other: 1 }
    // Rare, or else nothing that lasts would happen.
    if (draw.uniform() < 0.06) {
      return pick<Fact>([
        { _tag: "SweepSubmitted", ...ofSweep, spec: exampleSpec({ name: `n${i}` }), versions: { v: String(i) } },
        { _tag: "SweepExtended", ...ofSweep, revision: i, spec: exampleSpec({ name: `x${i}` }) },
        { _tag: "SweepStopped", ...ofSweep, reason },
        { _tag: "SweepFinished", ...ofSweep, reason },
        { _tag: "TrialStopped", ...ofTrial, reason, objective: objective(), values },
        {
          _tag: "TrialFailed",
          ...ofTrial,
          class: pick(["oom", "bug"]),
          message: reason,
          detail: pick([null, "trace"]),
        },
        { _tag: "TrialCancelled", ...ofTrial, reason },
        {
          _tag: "TrialReused",
          ...ofTrial,
          from: { sweep: SweepId.make("other"), trial: TrialNumber.make(i + 1) },
          objective: 0.25,
          values,
        },
        {
          _tag: "TrialExploited",
          ...ofTrial,
          from: { trial: TrialNumber.make(1 + draw.index(3)), epoch: pick(epochs), step: i },
          parameters: { rank: -i },
          reason,
        },
        { _tag: "AgentLost", ...at, agent: AgentId.make("host"), reason },
      ])
    }
    return pick<Fact>([
      { _tag: "SweepPaused", ...ofSweep },
      { _tag: "SweepResumed", ...ofSweep },
      {
        _tag: "TrialCreated",
        ...ofTrial,
        parameters: { rank: i, text: "'", none: null },
        seed: i,
        revision: 1,
        origin: pick<Origin>([sampled, { _tag: "Enqueued" }, { _tag: "Clone", of: TrialNumber.make(i + 1) }]),
      },
      { _tag: "TrialAssigned", ...ofAttempt, attempt: i, agent: AgentId.make(pick(["a1", "a2"])), slot: i % 4 },
      { _tag: "TrialStarted", ...ofAttempt },
      { _tag: "TrialReleased", ...ofAttempt, cause: reason },
      { _tag: "TrialStopRequested", ...ofTrial, reason },
      { _tag: "TrialPaused", ...ofTrial, ...(draw.uniform() < 0.5 ? { rule: reason } : {}) },
      { _tag: "TrialResumed", ...ofTrial },
      { _tag: "TrialCompleted", ...ofAttempt, objective: objective(), step: i, values },
      {
        _tag: "VerdictReached",
        ...ofTrial,
        verdict: new Verdict({
          kind: pick(["healthy", "overfitting"]),
          sinceStep: pick([null, i]),
          evidence: [],
          advice: [],
        }),
      },
    ])
  })
}

const millis = (timestamp: unknown): number | null =>
  timestamp === null ? null : Date.parse(`${String(timestamp).replace(" ", "T")}Z`)

const objects = (result: { columns: ReadonlyArray<{ name: string }>; rows: ReadonlyArray<ReadonlyArray<unknown>> }) =>
  result.rows.map((row) => Object.fromEntries(result.columns.map(({ name }, i) => [name, row[i]])))

it.live("the views sweeps and trials are the fold of the facts, whatever the facts", () =>
  Effect.gen(function* () {
    const store = yield* Store
    const facts = Array.from({ length: 40 }, (_, seed): ReadonlyArray<Fact> => [
      ...randomFacts(seed, 3).map((fact, i) => ({ ...fact, at: i })),
      // Most sweeps begin in good order, so that deep states are reached too.
      ...["a", "b"].map((id): Fact => ({
        _tag: "SweepSubmitted",
        at: 1,
        sweep: SweepId.make(`${id}${seed}`),
        spec: exampleSpec(),
        versions: {},
      })),
      ...randomFacts(seed, 160),
    ]).flat()
    yield* store.append(facts)
    const states = foldFacts(facts)

    const trials = objects(yield* store.query("SELECT * FROM trials ORDER BY sweep, trial", 1000))
    const expected = Array.from(states.values())
      .flatMap(({ trials: of }) => [...of.values()])
      .sort((a, b) => (a.sweep < b.sweep ? -1 : a.sweep > b.sweep ? 1 : a.number - b.number))
    expect(
      trials.map((row) => ({
        sweep: row["sweep"],
        number: row["trial"],
        parameters: row["parameters"],
        seed: row["seed"],
        revision: row["revision"],
        origin: row["origin"],
        reusedFrom: row["reused_from"] === null ? null : parseRef(String(row["reused_from"])),
        parent: row["parent"],
        state: row["state"],
        attempt: row["attempt"],
        epoch: row["epoch"],
        agent: row["agent"],
        slot: row["slot"],
        objective: row["objective"],
        values: row["final_values"],
        stopReason: row["stop_reason"],
        failure:
          row["failure_class"] === null
            ? null
            : { class: row["failure_class"], message: row["failure_message"], detail: row["failure_detail"] },
        verdict: row["diagnosis"],
        createdAt: millis(row["created_at"]),
        startedAt: millis(row["started_at"]),
        endedAt: millis(row["ended_at"]),
      })),
    ).toEqual(
      // How long it ran is seen in the view `attempts`; warnings are in no view.
      expected.map(
        ({
          values,
          verdict,
          lineage,
          warnings: _w,
          lastStep: _s,
          busyMs: _ms,
          busySince: _since,
          rounds: _n,
          waitedAt: _at,
          host: _host,
          origin,
          stopReason,
          failure,
          ...trial
        }) => ({
          ...trial,
          origin: originText(origin),
          stopReason: stopReason === null ? null : reasonSentence(stopReason),
          failure: failure === null ? null : { ...failure, message: reasonSentence(failure.message) },
          parent: lineage.at(-1)?.trial ?? null,
          // JSON has no NaN.
          values: JSON.parse(JSON.stringify(values)) as unknown,
          verdict: verdict === null ? null : (JSON.parse(JSON.stringify(verdict)) as unknown),
        }),
      ),
    )
    for (const row of trials) {
      expect(row["verdict"]).toBe((row["diagnosis"] as { kind: string } | null)?.kind ?? null)
    }
    // The test is worth what it reaches.
    expect(new Set(trials.map((row) => row["state"]))).toEqual(new Set(trialStates))

    expect(trials.some((row) => row["reused_from"] !== null)).toBe(true)
    expect(trials.some((row) => row["parent"] !== null)).toBe(true)

    const sweeps = objects(yield* store.query("SELECT * FROM sweeps ORDER BY sweep", 1000))
    expect(
      sweeps.map((row) => ({
        id: row["sweep"],
        name: row["name"],
        status: row["status"],
        revision: row["revision"],
        versions: row["versions"],
        createdAt: millis(row["created_at"]),
        endedAt: millis(row["ended_at"]),
        reason: row["reason"],
      })),
    ).toEqual(
      Array.from(states.values())
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, spec, status, revision, versions, createdAt, endedAt, reason }) => ({
          id,
          name: spec.name,
          status,
          revision,
          versions,
          createdAt,
          endedAt,
          reason: reason === null ? null : reasonSentence(reason),
        })),
    )
    expect(new Set(sweeps.map((row) => row["status"])).size).toBe(4)

    const ends = new Set<string>()
    for (const id of states.keys()) {
      const found = yield* store.attempts(id)
      expect(found).toEqual(attemptRecords(facts, id))
      for (const { end } of found) ends.add(String(end).split(":")[0]!)
    }
    expect(ends).toEqual(
      new Set(["null", "replaced", "released", "completed", "paused", "stopped", "failed", "cancelled"]),
    )
  }).pipe(Effect.provide(layer({ directory: freshDirectory() }))),
)

/** Three trials with up to three attempts each that overlap, resend, hole and log. */
const randomIngest = (seed: number) => {
  const draw = random(seed, 0, "ingest")
  const value = () => {
    const u = draw.uniform()
    if (u < 0.03) return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0][draw.index(4)]!
    return Math.round(draw.normal() * 20 + 60) / 20
  }
  const calls = Array.from({ length: 12 }, () => {
    const trial = seed * 3 + draw.index(3)
    const epoch = trial * 10 + draw.index(3)
    return { trial, epoch }
  })
  const next = new Map<number, number>()
  return calls.map(({ trial, epoch }) => {
    const first = Math.max(1, (next.get(epoch) ?? 1) - draw.index(4) + (draw.uniform() < 0.1 ? 2 : 0))
    const lines = 1 + draw.index(40)
    const points: Array<Point> = []
    for (let seq = first; seq < first + lines; seq++) {
      const step = Math.floor(draw.uniform() * 60)
      points.push([seq, draw.uniform() < 0.6 ? "train/loss" : "eval/loss", step, value()])
      if (draw.uniform() < 0.3) points.push([seq, "lr", step + 0.5, value()])
    }
    if (first <= (next.get(epoch) ?? 1)) next.set(epoch, first + lines)
    return {
      batch: batchOf(trial, epoch, points),
      log: logOf(trial, epoch, draw.index(30), "é".repeat(draw.index(20)), draw.uniform() < 0.5 ? "stdout" : "stderr"),
    }
  })
}

it.live("the DuckDB layer answers as the layer in memory does, on random attempts", () =>
  Effect.gen(function* () {
    const close = (a: unknown): unknown =>
      typeof a === "number" && Number.isFinite(a)
        ? expect.closeTo(a, 8)
        : Array.isArray(a)
          ? a.map(close)
          : typeof a === "object" && a !== null
            ? Object.fromEntries(Object.entries(a).map(([key, value]) => [key, close(value)]))
            : a
    const seeds = Array.from({ length: 30 }, (_, i) => i + 1)
    const answers = Effect.gen(function* () {
      const store = yield* Store
      const marks: Array<unknown> = []
      for (const { batch, log } of seeds.flatMap(randomIngest)) marks.push(yield* store.ingest([batch], [log]))
      const trials = seeds.flatMap((seed) => [0, 1, 2].map((i) => trialNumber(seed * 3 + i)))
      return {
        marks,
        highWater: yield* store.highWater,
        all: yield* store.curves(sweep, {}),
        thin: yield* store.curves(sweep, { maxPoints: 9, metrics: ["train/loss"] }),
        features: yield* store.features(sweep),
        last: yield* Effect.forEach(trials.slice(0, 20), (trial) => store.lastValues(sweep, [trial])),
        logs: yield* Effect.forEach(trials.slice(0, 20), (trial) =>
          store.log(sweep, trial, "stdout", { epoch: epochNumber(trial * 10 + 1), offset: 3 }, 9),
        ),
      }
    })
    const memory = yield* answers.pipe(Effect.provide(layerMemory))
    const duckdb = yield* answers.pipe(Effect.provide(layer({ directory: freshDirectory() })))
    expect(duckdb).toEqual(close(memory))
    // The test is worth what it reaches.
    expect(
      memory.features.filter(({ nonFiniteStep, evals }) => nonFiniteStep !== null && evals.length > 3).length,
    ).toBeGreaterThan(10)
    expect(
      memory.features.filter(({ train }) => train.filter((value) => value !== null).length >= 8).length,
    ).toBeGreaterThan(10)
    expect(memory.features.some(({ evals }) => evals.length === 1)).toBe(true)
  }),
)
