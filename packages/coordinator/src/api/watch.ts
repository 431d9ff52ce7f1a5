// Following a sweep: a snapshot, then every fact, and progress a few times a second. Owns what a slow watcher costs: a
// bounded number of facts, after which it gets a new snapshot in their place.
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import { type Fact, sweepOf } from "@sweep/domain/Fact"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { WatchEvent } from "@sweep/protocol/SweepApi"
import type { Journal } from "../state/Journal.ts"
import type { Progress } from "../state/Progress.ts"
import { monotonic } from "../state/monotonic.ts"
import { snapshotOf } from "../state/State.ts"

/** Facts that wait for a watcher before it gets a snapshot instead. */
const capacity = 1_024

/** Milliseconds between two reports of progress. */
const progressEvery = 200

export const makeWatch =
  (journal: Journal, progress: Progress, isOver: (sweep: SweepState) => boolean) =>
  (id: SweepId): Stream.Stream<WatchEvent> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const latch = Latch.makeUnsafe(false)
        let facts: Array<Fact> = []
        let overrun = true
        let moved = new Set<TrialNumber>()
        let movedAt = Number.NEGATIVE_INFINITY

        yield* Effect.acquireRelease(
          Effect.sync(() => [
            journal.listen((recorded) => {
              const mine = recorded.filter((fact) => sweepOf(fact) === id)
              if (mine.length === 0) return
              if (facts.length + mine.length > capacity) overrun = true
              if (overrun) facts = []
              else facts.push(...mine)
              latch.openUnsafe()
            }),
            progress.listen((sweep, trial) => {
              if (sweep !== id) return
              moved.add(trial)
              latch.openUnsafe()
            }),
          ]),
          (listeners) => Effect.sync(() => listeners.forEach((stop) => stop())),
        )

        const take = (now: number): Array<WatchEvent> => {
          const sweep = journal.state.sweeps.get(id)
          if (sweep === undefined) return []
          if (overrun) {
            overrun = false
            moved.clear()
            movedAt = now
            return [{ _tag: "Snapshot", sweep: snapshotOf(sweep), progress: progress.all(id) }]
          }
          const events: Array<WatchEvent> = facts.map((fact) => ({ _tag: "Recorded", fact }))
          facts = []
          if (moved.size > 0 && now - movedAt >= progressEvery) {
            const found = Array.from(moved).flatMap((trial) => progress.get(id, trial) ?? [])
            if (found.length > 0) events.push({ _tag: "Progress", progress: found })
            moved = new Set()
            movedAt = now
          }
          return events
        }

        let done = false
        const next = Effect.gen(function* () {
          while (true) {
            latch.closeUnsafe()
            const now = yield* monotonic
            const events = take(now)
            if (events.length > 0) return events
            const sweep = journal.state.sweeps.get(id)
            if (sweep === undefined || isOver(sweep)) {
              done = true
              return []
            }
            // Progress that came too early is sent when its time has come.
            yield* moved.size > 0
              ? Effect.timeoutOption(
                  factsArrive(latch, () => facts.length > 0 || overrun),
                  progressEvery - (now - movedAt),
                )
              : latch.await
          }
        })
        return Stream.fromEffectRepeat(next).pipe(
          Stream.takeWhile(() => !done),
          Stream.flattenIterable,
        )
      }),
    )

/** The latch opens for progress, too: it continues waiting until there is a fact. */
const factsArrive = (latch: Latch.Latch, arrived: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() =>
    arrived()
      ? Effect.void
      : Effect.flatMap(latch.await, () => {
          if (arrived()) return Effect.void
          latch.closeUnsafe()
          return factsArrive(latch, arrived)
        }),
  )
