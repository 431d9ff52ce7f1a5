// A sweep as server-sent events: `sweep` (all of it), `change` (its head, the answer, the trials that changed), `points` (the
// newest values of trials that train). The id of an event is a digest of the state that it leads to: a browser that comes
// back, even to another coordinator process, is sent the sweep again only where something has changed meanwhile.
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { SweepId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import { NotFound, SweepApi, type TrialProgress } from "@sweep/protocol/SweepApi"
import { answerView, sweepHead, trialRow } from "./views.ts"

export type Send = (event: string, data: unknown, id?: string) => void

/** Facts that come within this time are one change. */
const gather = "150 millis"
/** Milliseconds between two answers: they take a while to find with thousands of trials. */
const answerEvery = 2_000

const digestOf = (sweep: SweepState): string => {
  const hash = createHash("sha256").update(`${sweep.status} ${sweep.revision}`)
  for (const { number, state, attempt, objective, verdict, lastStep } of sweep.trials.values()) {
    hash.update(`${number} ${state} ${attempt} ${objective} ${verdict?.kind} ${lastStep}\n`)
  }
  return hash.digest("base64url").slice(0, 22)
}

interface Answered {
  readonly digest: string
  readonly answer: unknown
  readonly at: number
}
/** Of sweeps that somebody looks at: found once for all who do. The answers are those of one coordinator's sweeps. */
const answers = new Map<SweepId, Answered>()
const mostAnswers = 64

const answerFor = (sweep: SweepState, digest: string, now: number): Answered => {
  const found: Answered = { digest, answer: answerView(sweep, now), at: now }
  answers.delete(sweep.id)
  answers.set(sweep.id, found)
  for (const id of answers.keys()) if (answers.size > mostAnswers) answers.delete(id)
  return found
}

/** Never ends by itself, only with its fiber, or once there is no such sweep. */
export const followSweep = Effect.fn("followSweep")(function* (id: SweepId, known: string | undefined, send: Send) {
  const api = yield* SweepApi
  const sent = new Map<number, unknown>()
  let digest = known
  let first = true
  let dirty = true
  let over = false

  const points = (progress: ReadonlyArray<TrialProgress>) => {
    if (progress.length > 0) send("points", progress)
  }
  const flush = Effect.gen(function* () {
    const sweep = yield* api.get(id)
    const now = Date.now()
    over = sweep.status === "finished" || sweep.status === "stopped"
    const next = digestOf(sweep)
    // The trials come first: an answer over thousands of them takes longer to find than they take to be drawn.
    let latest = answers.get(id)
    if (latest?.digest !== next) {
      if (!first && (latest === undefined || now - latest.at >= answerEvery || over))
        latest = answerFor(sweep, next, now)
      else dirty = true
    }
    const rows = Array.from(sweep.trials.values())
    const changed = rows.filter((trial) => sent.get(trial.number) !== trial)
    for (const trial of changed) sent.set(trial.number, trial)
    const view = { head: sweepHead(sweep, now), ...(latest === undefined ? {} : { answer: latest.answer }), at: now }
    if (first && next === known) send("same", view, next)
    else if (first) send("sweep", { ...view, trials: rows.map((trial) => trialRow(trial, now)) }, next)
    else send("change", { ...view, trials: changed.map((trial) => trialRow(trial, now)) }, next)
    first = false
    digest = next
  })

  const watching = Effect.gen(function* () {
    for (;;) {
      yield* api.watch(id).pipe(
        Stream.runForEach((event) =>
          Effect.sync(() => {
            if (event._tag === "Progress") return points(event.progress)
            if (event._tag === "Snapshot") points(event.progress)
            dirty = true
          }),
        ),
      )
      // The sweep has ended. Somebody may extend it.
      dirty = true
      do yield* Effect.sleep("2 seconds")
      while (digestOf(yield* api.get(id)) === digest && over)
    }
  })
  const flushing = Effect.gen(function* () {
    for (;;) {
      if (dirty) {
        dirty = false
        yield* flush
      }
      yield* Effect.sleep(gather)
    }
  })
  yield* Effect.raceFirst(watching, flushing).pipe(
    Effect.catchIf(
      (error) => error instanceof NotFound,
      (error) => Effect.sync(() => send("gone", { message: error.message })),
    ),
  )
})
