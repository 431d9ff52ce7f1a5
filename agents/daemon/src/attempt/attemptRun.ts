// Runs one attempt from its start to its end: starts the trainer, has its files followed, obeys stops, and says how it
// ended once every process of it is gone. Owns that order; how stops escalate is obeyStops', the verdict attemptEnd's.
import { said } from "@sweep/domain/Reason"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Attempt } from "./Attempt.ts"
import { attemptEnd, isForFullDisk } from "./attemptEnd.ts"
import type { Disk } from "../host/disk.ts"
import { obeyStops } from "./obeyStops.ts"
import { fetchCheckpoint } from "../session/fetchCheckpoint.ts"
import type { Reason } from "@sweep/domain/Reason"
import { placeSources } from "../sources/placeSources.ts"
import type { SourceCache } from "../sources/SourceCache.ts"
import { Processes } from "../process/Processes.ts"
import type { ProcessTree } from "../process/ProcessTree.ts"
import { spoolLimit } from "./tail.ts"
import type { RunOver, Trainer } from "../trainers/Trainer.ts"

/** How often the kernel has killed in this control group for want of memory; `undefined` where nobody counts. */
const oomKills = (): number | undefined => {
  try {
    const group = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1]
    if (group === undefined) return undefined
    const events = readFileSync(join("/sys/fs/cgroup", group, "memory.events"), "utf8")
    return Number(/^oom_kill (\d+)$/m.exec(events)?.[1])
  } catch {
    return undefined
  }
}

export interface AttemptOutcome {
  /** Processes that could not be ended, stuck in the kernel: the slot is not free. */
  readonly stuck: ReadonlyArray<number>
}

export interface RunLimits {
  /** Milliseconds between SIGTERM and SIGKILL, as they stand at the time. */
  readonly grace: () => number
  /** Milliseconds in which a trainer has to write something, an event or a line of a log; `null`: it need not. */
  readonly silence: number | null
  readonly disk: Disk
  /** Where files of source snapshots are kept; without it, programs and data have to be on this host. */
  readonly sources?: SourceCache | undefined
}

export const runAttempt = Effect.fn("runAttempt")(function* (attempt: Attempt, trainer: Trainer, limits: RunLimits) {
  const { grace, silence, disk } = limits
  const freeBefore = disk.free()
  const released = (cause: Reason) =>
    Effect.as(attempt.endedAs({ _tag: "Released", cause }), { stuck: [] } satisfies AttemptOutcome)
  // One that runs already has its files.
  if (attempt.record.tree === null) {
    const placed = yield* Effect.result(
      // A snapshot may take long to fetch: whoever is asked to stop meanwhile has nothing to lose.
      Effect.raceFirst(
        placeSources(attempt, limits.sources, disk),
        Effect.flatMap(Queue.peek(attempt.stops), ({ reason }) => Effect.fail(reason)),
      ),
    )
    if (placed._tag === "Failure") return yield* released(placed.failure)
  }
  if (attempt.record.attempt > 1) {
    const fetched = yield* Effect.result(fetchCheckpoint(attempt))
    if (fetched._tag === "Failure") {
      return yield* released(fetched.failure)
    }
  }
  const killsBefore = oomKills()
  const started = yield* Effect.result(trainer.start(attempt, attempt.startedAs))
  if (started._tag === "Failure") {
    const { class: failure, message } = started.failure
    yield* attempt.endedAs({ _tag: "Failed", class: failure, message: said(message), detail: null })
    return { stuck: [] } satisfies AttemptOutcome
  }
  const run = started.success
  const { over, stuck } = yield* Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.forkScoped(attempt.tail.follow)
      yield* Effect.forkScoped(obeyStops(attempt, run.tree, grace))
      yield* Effect.forkScoped(boundSpool(attempt))
      if (silence !== null) yield* Effect.forkScoped(boundSilence(attempt, silence))
      const over = yield* Effect.raceFirst(run.over, endLingering(attempt, run.tree, grace))
      // A host that is through with the attempt lives on for the next; otherwise nothing may be left.
      const stuck = over._tag === "Done" ? [] : yield* (yield* Processes).kill(run.tree)
      return { over, stuck }
    }),
  )
  attempt.tail.catchUp()
  const { tail } = attempt
  const ownStderr = attempt.logs.stderr.tail(20)
  const end = attemptEnd({
    // One that deleted its own directory left nothing to go by.
    completesByStatus: attempt.record.trainer === "command" && existsSync(attempt.directory.events),
    over,
    event: tail.end,
    stop: attempt.stop,
    step: tail.step,
    values: tail.values,
    stderr: ownStderr === "" ? (run.ownStderr?.() ?? "") : ownStderr,
    oomKilled: killedBySystem(over) && killsBefore !== undefined && (oomKills() ?? 0) > killsBefore,
    diskFull: disk.isFull(),
    invalid: tail.invalid,
    problem: tail.problem,
  })
  if (tail.invalid > 0 || tail.missing > 0) {
    yield* Effect.logWarning(
      `${attempt.name}: in its events.jsonl ${tail.invalid} lines could not be read and ${tail.missing} are missing` +
        (tail.problem === undefined ? "" : `; ${tail.problem}`),
    )
  }
  if (end._tag === "Released" && attempt.stop?.handOver !== undefined) yield* attempt.stop.handOver(attempt)
  if (isForFullDisk(end)) disk.ranFull(freeBefore)
  yield* attempt.endedAs(end)
  return { stuck } satisfies AttemptOutcome
})

const killedBySystem = (over: RunOver): boolean =>
  over._tag === "Vanished" || (over._tag === "Exited" && over.signal === "SIGKILL")

/** A trainer that has written how it ended has no more to do here: after the grace time it is made to go. */
const endLingering = (attempt: Attempt, tree: ProcessTree, grace: () => number) =>
  Effect.gen(function* () {
    yield* Deferred.await(attempt.tail.ended)
    yield* Effect.sleep(grace())
    yield* (yield* Processes).kill(tree)
    return { _tag: "Vanished" } satisfies RunOver
  })

const boundSpool = (attempt: Attempt) =>
  Effect.gen(function* () {
    yield* Deferred.await(attempt.tail.overgrown)
    yield* Effect.logWarning(`${attempt.name}: its events.jsonl has grown beyond ${spoolLimit} bytes; it is ended`)
    yield* Queue.offer(attempt.stops, {
      mode: "kill",
      reason: { _tag: "SpoolOverflow", bytes: spoolLimit },
      fault: true,
    })
  })

/** Looks within one limit, so that a silence is seen before it is a quarter longer than that. */
const looks = 4

/** A trainer that hangs says so by saying nothing: it would keep its device for ever. */
const boundSilence = (attempt: Attempt, limit: number) =>
  Effect.gen(function* () {
    const { tail } = attempt
    let growths = tail.growths
    for (let silent = 0; silent < looks;) {
      yield* Effect.sleep(limit / looks)
      // What came while this process itself stood still counts, too.
      yield* Effect.ignore(Effect.try(() => tail.look()))
      silent = tail.growths === growths ? silent + 1 : 0
      growths = tail.growths
    }
    const minutes = Math.round(limit / 6_000) / 10
    yield* Effect.logWarning(`${attempt.name}: nothing was written for ${minutes} min; it is ended`)
    yield* Queue.offer(attempt.stops, {
      mode: "kill",
      reason: { _tag: "NoProgress", minutes, step: tail.step },
      fault: true,
    })
  })
