// What every SweepApi has to do, as one suite that each implementation's test runs: a caller cannot tell whether the
// coordinator is in its process or behind a network. Trials are run by scripted agents over the AgentConnection of the
// same layer.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { AgentConnection } from "../src/AgentConnection.ts"
import { SweepApi } from "../src/SweepApi.ts"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventually, finished, slotsOf } from "./ScriptedAgent.ts"

const first = TrialNumber.make(1)
const nobody = SweepId.make("nobody")

/** `make` gives a coordinator of its own, on an empty store that answers SQL, to every test. */
export const sweepApiContract = (name: string, make: () => Layer.Layer<SweepApi | AgentConnection, unknown>) =>
  describe(`SweepApi, ${name}`, () => {
    const test = <E>(title: string, body: Effect.Effect<unknown, E, SweepApi | AgentConnection | Scope.Scope>) =>
      it.live(title, () => body.pipe(Effect.scoped, Effect.provide(make())))

    const state = (sweep: SweepId, trial: TrialNumber, wanted: string) =>
      eventually(
        `trial ${trial} is ${wanted}`,
        Effect.gen(function* () {
          const found = (yield* (yield* SweepApi).get(sweep)).trials.get(trial)
          return found?.state === wanted ? found : undefined
        }),
      )

    test(
      "answers who it is and which agents it has",
      Effect.gen(function* () {
        const api = yield* SweepApi
        expect((yield* api.status).agents).toEqual([])
        const agent = yield* connectAgent({ id: "host-1", slots: slotsOf(2, 2) })
        yield* agent.next("Welcome")
        const { version, home, agents } = yield* api.status
        expect([version, home]).toEqual(["test", "/home"])
        expect(agents).toEqual([
          {
            agent: "host-1",
            version: "0.1.0",
            hostname: "host",
            slots: slotsOf(2, 2),
            running: [],
            state: "connected",
            trainers: ["peft", "command"],
          },
        ])
      }),
    )

    test(
      "gives back what was submitted, whole",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const spec = exampleSpec({
          description: "训练 <b>&\u0000",
          source: { path: "a.yaml", text: "x".repeat(3_000_000) },
        })
        const sweep = yield* api.submit(spec)
        const found = yield* api.get(sweep)
        expect(found.spec).toEqual(spec)
        expect(found).toMatchObject({ id: sweep, status: "running", revision: 1, endedAt: null, reason: null })
        const later = yield* api.submit(exampleSpec({ name: "later" }))
        expect((yield* api.list).map(({ id }) => id).sort()).toEqual([sweep, later].sort())
      }),
    )

    test(
      "says what is not there, with the nearest name",
      Effect.gen(function* () {
        const api = yield* SweepApi
        expect(yield* Effect.flip(api.get(nobody))).toMatchObject({
          _tag: "NotFound",
          message: expect.stringMatching(/no sweeps yet/),
        })
        const sweep = yield* api.submit(exampleSpec({ name: "quickstart" }))
        const near = yield* Effect.flip(api.get(SweepId.make("quikstart")))
        expect(near).toMatchObject({ _tag: "NotFound", known: ["quickstart"] })
        expect(near.message).toMatch(/no sweep named quikstart; did you mean quickstart\?/)
        const failures = [
          yield* Effect.flip(Stream.runDrain(api.watch(nobody))),
          yield* Effect.flip(api.results(nobody, { maxPoints: 10 })),
          yield* Effect.flip(api.control(nobody, null, "stop", said(""))),
          yield* Effect.flip(api.control(sweep, TrialNumber.make(9), "stop", said(""))),
          yield* Effect.flip(Stream.runDrain(api.logs(sweep, first, { stream: "stdout", follow: true }))),
          yield* Effect.flip(Stream.runDrain(api.exportParquet(nobody))),
        ]
        expect(failures.map(({ _tag }) => _tag)).toEqual(failures.map(() => "NotFound"))
      }),
    )

    test(
      "refuses with the reason",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const zero = yield* Effect.flip(api.submit(exampleSpec({ budget: { trials: 0, gpuHours: null, hours: null } })))
        expect(zero).toMatchObject({ _tag: "Refused", message: expect.stringMatching(/has no trials/) })
        const sweep = yield* api.submit(exampleSpec())
        yield* api.control(sweep, null, "stop", said("enough"))
        expect(yield* Effect.flip(api.control(sweep, null, "resume", said("")))).toMatchObject({
          _tag: "Refused",
          message: expect.stringMatching(/has ended \(stopped\)/),
        })
        expect(yield* api.get(sweep)).toMatchObject({ status: "stopped", reason: said("enough") })
        const sql = yield* Effect.flip(api.query("DROP TABLE facts", 10))
        expect(sql._tag).toBe("Refused")
      }),
    )

    test(
      "follows a sweep to its end, and everything is in the results",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec({ budget: { trials: 2, gpuHours: null, hours: null } }))
        const watching = yield* Effect.forkChild(Stream.runCollect(api.watch(sweep)))
        const agent = yield* connectAgent()
        const one = yield* agent.next("Assign")
        const at = "2025-01-01T00:00:00.000Z"
        yield* agent.report(one.epoch, evalLosses(3, Number.NaN, 2), 1, [
          { type: "sample", seq: 3, at, probe: 0, prompt: "p", answer: "</script>" },
        ])
        yield* agent.ended(one.epoch, 3, finished({ values: { extra: Number.POSITIVE_INFINITY } }))
        const two = yield* agent.next("Assign")
        yield* agent.ended(two.epoch, 0, {
          _tag: "Failed",
          class: "oom",
          message: said("out of memory"),
          detail: "trace",
        })

        const events = yield* Fiber.join(watching)
        const snapshot = events[0]
        expect(snapshot?._tag).toBe("Snapshot")
        const facts = events.flatMap((event) => (event._tag === "Recorded" ? [event.fact] : []))
        expect(facts.at(-1)?._tag).toBe("SweepFinished")

        const results = yield* api.results(sweep, { maxPoints: 100 })
        expect(results.sweep.status).toBe("finished")
        const trials = Array.from(results.sweep.trials.values())
        expect(trials[0]).toMatchObject({ state: "completed", objective: 2, values: { extra: Number.NaN } })
        expect(trials[1]).toMatchObject({ state: "infeasible", failure: { class: "oom", detail: "trace" } })
        expect(trials[0]?.verdict?.kind).toBe("diverged")
        expect(results.curves).toEqual([
          {
            trial: 1,
            metric: "eval/loss",
            points: [
              { step: 10, value: 3 },
              { step: 20, value: Number.NaN },
              { step: 30, value: 2 },
            ],
          },
        ])
        expect(results.details[0]?.samples[0]?.answer).toBe("</script>")
        expect(results.attempts).toMatchObject([
          { trial: 1, attempt: 1, agent: "agent", end: "completed" },
          { trial: 2, attempt: 1 },
        ])
        // After the end a watcher gets the final state and that is all.
        const late = yield* Stream.runCollect(api.watch(sweep))
        expect(late.map(({ _tag }) => _tag)).toEqual(["Snapshot"])
      }),
    )

    test(
      "shows progress while a trial runs",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec())
        const agent = yield* connectAgent()
        const { epoch } = yield* agent.next("Assign")
        const seen = yield* Effect.forkChild(
          api.watch(sweep).pipe(
            Stream.filter((event) => event._tag === "Progress" && event.progress[0]?.step === 20),
            Stream.take(1),
            Stream.runCollect,
          ),
        )
        yield* agent.report(epoch, [{ step: 10, values: { "train/loss": 2 } }])
        yield* agent.report(epoch, [{ step: 20, values: { "train/loss": Number.NaN, "eval/loss": 1 } }], 2)
        const [event] = yield* Fiber.join(seen)
        expect(event).toEqual({
          _tag: "Progress",
          progress: [
            { sweep, trial: 1, step: 20, totalSteps: null, values: { "train/loss": Number.NaN, "eval/loss": 1 } },
          ],
        })
      }),
    )

    test(
      "reads a log, and follows it to the end of the trial",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
        const agent = yield* connectAgent()
        const { epoch } = yield* agent.next("Assign")
        yield* agent.log(epoch, 0, "一\n")
        yield* eventually(
          "the log is stored",
          Effect.sync(() => agent.mark(epoch)?.stdout === 4),
        )
        const read = (follow: boolean) => Stream.mkString(api.logs(sweep, first, { stream: "stdout", follow }))
        expect(yield* read(false)).toBe("一\n")
        const following = yield* Effect.forkChild(read(true))
        yield* agent.log(epoch, 4, "two\u001b[31m\n")
        yield* agent.complete(epoch, evalLosses(1))
        expect(yield* Fiber.join(following)).toBe("一\ntwo\u001b[31m\n")
        expect(yield* Stream.mkString(api.logs(sweep, first, { stream: "stderr", follow: false }))).toBe("")
      }),
    )

    test(
      "answers SQL and exports Parquet",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
        const agent = yield* connectAgent()
        const { epoch } = yield* agent.next("Assign")
        yield* agent.complete(epoch, evalLosses(3, 2))
        yield* state(sweep, first, "completed")
        const { rows, columns } = yield* api.query("SELECT 1 AS one, NULL AS nothing, 'text' AS word", 10)
        expect(columns.map(({ name }) => name)).toEqual(["one", "nothing", "word"])
        expect(rows).toEqual([[1, null, "text"]])
        const files = new Map<string, Array<Uint8Array>>()
        yield* Stream.runForEach(api.exportParquet(sweep), ({ file, chunk }) =>
          Effect.sync(() => files.set(file, [...(files.get(file) ?? []), chunk])),
        )
        expect(Array.from(files.keys()).sort()).toEqual([
          "events.parquet",
          "metrics.parquet",
          "sweeps.parquet",
          "trials.parquet",
        ])
        for (const chunks of files.values()) expect(Buffer.concat(chunks).subarray(0, 4).toString()).toBe("PAR1")
      }),
    )

    test(
      "gives trials to who asks, and takes what is told",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(
          exampleSpec({ trainer: "external", budget: { trials: 2, gpuHours: null, hours: null } }),
        )
        expect(yield* api.ask(sweep)).toEqual({
          _tag: "Trial",
          trial: 1,
          parameters: { rank: 4, learning_rate: 1e-3 },
          seed: 7,
          attempt: 1,
        })
        const reports = [
          { step: 1, values: { "eval/loss": 3, "train/loss": Number.NaN } },
          { step: 2, values: { "eval/loss": 2 } },
        ]
        expect(yield* api.tell(sweep, first, { reports, end: null })).toEqual({
          state: "running",
          objective: null,
          stop: null,
        })
        expect(yield* api.tell(sweep, first, { reports: [], end: { _tag: "Finished", values: {} } })).toEqual({
          state: "completed",
          objective: 2,
          stop: null,
        })
        expect(yield* api.ask(sweep)).toMatchObject({ trial: 2, parameters: { rank: 4, learning_rate: 1e-2 } })
        const end = { _tag: "Failed", class: "oom", message: "内存不足" } as const
        expect(yield* api.tell(sweep, TrialNumber.make(2), { reports: [], end })).toMatchObject({
          state: "infeasible",
        })
        expect((yield* api.get(sweep)).trials.get(TrialNumber.make(2))?.failure).toMatchObject({
          message: said("内存不足"),
        })
        expect(yield* api.ask(sweep)).toMatchObject({
          _tag: "Ended",
          reason: expect.stringMatching(/2 trials is used/),
        })
        const failures = [
          yield* Effect.flip(api.ask(nobody)),
          yield* Effect.flip(api.tell(sweep, TrialNumber.make(9), { reports: [], end })),
          yield* Effect.flip(api.tell(sweep, first, { reports: [], end })),
        ]
        expect(failures.map(({ _tag }) => _tag)).toEqual(["NotFound", "NotFound", "Refused"])
      }),
    )

    test(
      "gives 64 who ask at once 64 different trials",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const dimension = {
          name: "x",
          distribution: { _tag: "Uniform" as const, min: 0, max: 1 },
          when: null,
          prior: null,
        }
        const sweep = yield* api.submit(
          exampleSpec({
            trainer: "external",
            method: "random",
            space: { dimensions: [dimension], derived: [], constraints: [] },
          }),
        )
        const all = yield* Effect.forEach(Array.from({ length: 64 }), () => api.ask(sweep), {
          concurrency: "unbounded",
        })
        const trials = all.flatMap((asked) => (asked._tag === "Trial" ? [asked] : []))
        expect(new Set(trials.map(({ trial }) => trial)).size).toBe(64)
        expect(new Set(trials.map(({ parameters }) => parameters["x"])).size).toBe(64)
      }),
    )

    test(
      "extends a sweep, and runs a trial once more with changes",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const spec = (trials: number) =>
          exampleSpec({ trainer: "external", budget: { trials, gpuHours: null, hours: null } })
        const sweep = yield* api.submit(spec(1))
        yield* api.ask(sweep)
        yield* api.tell(sweep, first, { reports: [], end: { _tag: "Finished", values: { "eval/loss": 1 } } })
        yield* eventually(
          "it is finished",
          Effect.map(api.get(sweep), ({ status }) => status === "finished"),
        )
        expect(yield* api.extend(sweep, spec(2), 1)).toBe(2)
        expect(yield* api.get(sweep)).toMatchObject({ status: "running", revision: 2, reason: null })
        expect((yield* Effect.flip(api.extend(sweep, spec(3), 1)))._tag).toBe("Refused")
        expect(yield* api.clone(sweep, first, { rank: 64 })).toEqual([2])
        expect(yield* api.ask(sweep)).toMatchObject({ trial: 2, parameters: { rank: 64, learning_rate: 1e-3 } })
        expect((yield* api.get(sweep)).trials.get(TrialNumber.make(2))?.origin).toEqual({ _tag: "Clone", of: 1 })
        expect((yield* Effect.flip(api.clone(sweep, TrialNumber.make(9), {})))._tag).toBe("NotFound")
      }),
    )

    test(
      "removes a sweep that has ended, and says what went with it",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
        const agent = yield* connectAgent()
        const { epoch } = yield* agent.next("Assign")
        expect(yield* Effect.flip(api.remove(sweep, { preview: true }))).toMatchObject({
          _tag: "Refused",
          message: "example is running; end it first: sweep stop example",
        })
        yield* agent.complete(epoch, evalLosses(3, 2))
        yield* eventually(
          "it is finished",
          Effect.map(api.get(sweep), ({ status }) => status === "finished"),
        )
        const removal = { trials: 1, points: 2, files: 0, bytes: 0 }
        expect(yield* api.remove(sweep, { preview: true })).toEqual(removal)
        expect((yield* api.get(sweep)).trials.size).toBe(1)
        expect(yield* api.remove(sweep, { preview: false })).toEqual(removal)
        expect(yield* Effect.flip(api.remove(sweep, { preview: false }))).toMatchObject({
          _tag: "NotFound",
          message: "there is no sweep named example; it was removed",
        })
        expect(yield* api.list).toEqual([])
        for (const view of ["sweeps", "trials", "attempts", "metrics", "events"]) {
          expect((yield* api.query(`SELECT count(*)::INTEGER FROM ${view}`, 1)).rows, view).toEqual([[0]])
        }
        // Neither its name nor the epochs of its trials are used again.
        expect(yield* api.submit(exampleSpec())).toBe("example-2")
        expect((yield* agent.next("Assign")).epoch).toBeGreaterThan(epoch)
      }),
    )

    test(
      "gives up what is no longer waited for",
      Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec())
        const watching = yield* Effect.forkChild(Stream.runDrain(api.watch(sweep)))
        yield* Effect.sleep("20 millis")
        yield* Fiber.interrupt(watching)
        expect((yield* api.get(sweep)).status).toBe("running")
      }),
    )
  })
