// `sweep run` while another `sweep run` has the state directory: its coordinator and its agent take this sweep, too, and when
// that command ends before this sweep does, this one continues with what is left. Owns that succession.
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Schedule from "effect/Schedule"
import type { SweepId } from "@sweep/domain/Id"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { isUnreachable, SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, ownCoordinator, remoteApi } from "../serving/access.ts"
import { finishRun } from "./finishRun.ts"
import { note } from "../output.ts"
import { goOnHere, needsToStay, type RunOptions, runHere } from "./runLocally.ts"
import { follow } from "../terminal/follow.ts"
import * as Stream from "effect/Stream"

/** A command on its way out has closed its door and still left its note. */
const whileItLeaves = { times: 100, schedule: Schedule.spaced("200 millis"), while: isUnreachable }

/** Follows the sweep where it runs now, to its end. */
const goOn = (
  id: SweepId,
  options: RunOptions,
  /** Whether it was paused when it was last seen. */
  wasPaused = false,
): Effect.Effect<void, unknown, FileSystem> =>
  Effect.gen(function* () {
    let paused = wasPaused
    const found = yield* ownCoordinator()
    if (found === undefined) {
      yield* note(`the command that ran ${id} has ended; this one continues with it`)
      // Another one that waits may have been faster.
      return yield* goOnHere(id, options).pipe(
        Effect.catch((error) =>
          Effect.flatMap(ownCoordinator(), (other) =>
            other === undefined ? Effect.fail(error) : goOn(id, options, paused),
          ),
        ),
      )
    }
    yield* Effect.gen(function* () {
      const api = yield* SweepApi
      // A command that began meanwhile takes what nobody seems to run for left behind.
      if (!paused && (yield* api.get(id)).status === "paused")
        yield* api.control(id, null, "resume", { _tag: "ByHand" })
      const events = api.watch(id).pipe(
        Stream.tap((event) =>
          Effect.sync(() => {
            if (event._tag === "Snapshot") paused = event.sweep.status === "paused"
            if (event._tag === "Recorded" && event.fact._tag === "SweepPaused") paused = true
            if (event._tag === "Recorded" && event.fact._tag === "SweepResumed") paused = false
          }),
        ),
      )
      yield* follow(events, {
        out: options.json ? process.stderr : process.stdout,
        hint: "Ctrl-C leaves; the sweep continues for as long as the command that runs it.",
      }).pipe(Effect.onInterrupt(() => note(`\n${id} continues without this command. Resume it: sweep resume ${id}`)))
      yield* finishRun(id, options)
    }).pipe(
      Effect.provide(remoteApi(found)),
      Effect.catchIf(isUnreachable, () =>
        Effect.andThen(
          Effect.sleep("200 millis"),
          Effect.suspend(() => goOn(id, options, paused)),
        ),
      ),
    )
  })

export const runBeside = Effect.fn("runBeside")(function* (
  spec: SweepSpec,
  options: RunOptions & { readonly detach: boolean },
) {
  if (options.detach) return yield* needsToStay
  const submitted = yield* Effect.gen(function* () {
    const found = yield* ownCoordinator()
    if (found === undefined) return undefined
    return yield* SweepApi.pipe(
      Effect.flatMap((api) => api.submit(spec)),
      Effect.provide(remoteApi(found)),
    )
  }).pipe(Effect.retry(whileItLeaves))
  return yield* submitted === undefined ? runHere(spec, options) : goOn(submitted, options)
}, explainApi)
