// What the tools do: the same as the commands, against the same coordinator and with the caller's own access file. Owns
// turning an answer into JSON and a failure into the sentence that a user would read; no call ends the server.
import { said } from "@sweep/domain/Reason"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Schedule from "effect/Schedule"
import { renderDescription } from "@sweep/sweepfile/describeSweep"
import { answerOf } from "@sweep/diagnosis/answer"
import { isUnreachable, SweepApi } from "@sweep/protocol/SweepApi"
import { badInput, Failure } from "../exitCodes.ts"
import * as flags from "../flags.ts"
import { bestYaml } from "../results/bestYaml.ts"
import { bestJson, summaryJson, trialJson } from "../results/summary.ts"
import { writeReport } from "../results/writeReport.ts"
import { checkSweep } from "../running/checkSweep.ts"
import { renderMemory } from "../running/memoryPlan.ts"
import { explainApi, withApi } from "../serving/access.ts"
import { home } from "../serving/home.ts"
import { leaders } from "../terminal/SweepView.ts"
import { startRun } from "./startRun.ts"

const defaultWait = 45
const defaultRows = 100
const lookMillis = 500

/** What JSON holds of it: no keys without a value, no big integers. */
const plain = <A>(value: A): Readonly<Record<string, unknown>> =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? Number(one) : one)))

/** The coordinator of a `sweep run` ends with its sweep, perhaps under this call: what it left is asked then. */
const whileItGoes = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { times: 10, schedule: Schedule.spaced(lookMillis), while: isUnreachable })

type Needed = FileSystem.FileSystem | Path.Path

export const handlersFor = Effect.fnUntraced(function* (coordinator: flags.CoordinatorFlags) {
  const context = yield* Effect.context<Needed>()
  /** A failure for the model to read; a defect is one, too, and says so. */
  const told = <A, E>(effect: Effect.Effect<A, E, Needed>) =>
    effect.pipe(
      Effect.provideContext(context),
      Effect.map(plain),
      Effect.catchDefect((defect) =>
        Effect.fail(new Failure({ text: `a defect of sweep: ${String(defect)}`, exitCode: 70 })),
      ),
      Effect.mapError((error) => ({ error: error instanceof Error ? error.message : String(error) })),
    )

  const asking = <A, E>(effect: Effect.Effect<A, E, Needed | SweepApi>) =>
    told(withApi(coordinator, effect).pipe(whileItGoes, explainApi))

  const check = ({ file }: { readonly file: string }) =>
    told(
      Effect.gen(function* () {
        const { description, memory } = yield* checkSweep(file, null)
        return {
          ...description,
          text: renderDescription(description),
          memory: memory === null || typeof memory === "string" ? memory : renderMemory(memory),
        }
      }),
    )

  const list = () =>
    asking(
      Effect.gen(function* () {
        return { sweeps: (yield* (yield* SweepApi).list).map((sweep) => ({ ...summaryJson(sweep), best: undefined })) }
      }),
    )

  /** Waits for the sweep's end with one connection. A coordinator that ends with its sweep has left all of it on disk. */
  const waitFor = (sweep: string, seconds: number) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const api = yield* SweepApi
      for (let waited = 0; ; waited += lookMillis) {
        const state = yield* api.get(id)
        if (state.status !== "running" || waited >= seconds * 1_000) {
          const running = Array.from(state.trials.values()).filter((trial) => trial.state === "running")
          return { ...summaryJson(state), running: running.map(trialJson(state)) }
        }
        yield* Effect.sleep(lookMillis)
      }
    })
  const watch = (asked: { readonly sweep: string; readonly wait_seconds?: number }) =>
    asking(waitFor(asked.sweep, asked.wait_seconds ?? defaultWait))

  const best = ({ sweep }: { readonly sweep: string }) =>
    asking(
      Effect.gen(function* () {
        const state = yield* (yield* SweepApi).get(yield* flags.sweepRef(sweep))
        const [first] = leaders(state)
        const json = bestJson(state)
        if (first === undefined || json === null) {
          return yield* badInput(`no trial of ${sweep} has an objective (${state.spec.metric.name}) yet; call watch`)
        }
        return { sweep: state.id, ...json, yaml: bestYaml(state.spec, first, answerOf(state, Date.now())!) }
      }),
    )

  const report = ({ sweep }: { readonly sweep: string }) =>
    asking(
      Effect.gen(function* () {
        const id = yield* flags.sweepRef(sweep)
        const path = yield* writeReport(id, (yield* home).report(id))
        const state = yield* (yield* SweepApi).get(id)
        const trials = Array.from(state.trials.values(), trialJson(state))
        return {
          ...summaryJson(state),
          report: path,
          trial_list: trials.map(({ trial, parameters, objective, verdict, failure }) => ({
            trial,
            parameters,
            objective,
            verdict,
            failure,
          })),
        }
      }),
    )

  const query = ({ sql, limit = defaultRows }: { readonly sql: string; readonly limit?: number }) =>
    asking(
      Effect.gen(function* () {
        const { columns, rows, truncated } = yield* (yield* SweepApi).query(sql, limit)
        const names = columns.map(({ name }) => name)
        return { rows: rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]]))), truncated }
      }),
    )

  const run = ({ file }: { readonly file: string }) => told(startRun(file, coordinator))

  const stop = ({ sweep, reason }: { readonly sweep: string; readonly reason?: string }) =>
    asking(
      Effect.gen(function* () {
        const id = yield* flags.sweepRef(sweep)
        yield* (yield* SweepApi).control(id, null, "stop", reason === undefined ? { _tag: "ByProgram" } : said(reason))
        return { sweep: id, stopped: true }
      }),
    )

  return { check, list, watch, best, report, query, run, stop }
})
