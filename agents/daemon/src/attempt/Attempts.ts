// Every attempt this agent holds a spool for, by epoch: waiting, running, or ended and not yet acknowledged. Owns taking
// them up again after a restart and letting go of them once their end is committed.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Epoch } from "@sweep/domain/Id"
import type { HeldAttempt } from "@sweep/protocol/AgentMessage"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { Attempt, type StopRequest } from "./Attempt.ts"
import {
  type Assignment,
  type AttemptDirectory,
  type AttemptRecord,
  attemptDirectory,
  cacheFolder,
  keptAttempts,
  makeAttempt,
} from "./AttemptDirectory.ts"
import type { Slot } from "@sweep/domain/Device"
import type { Retention } from "./retention.ts"
import type { Uploads } from "../session/uploads.ts"

export class Attempts {
  private readonly home: string
  private readonly retention: Retention
  private readonly uploads: Uploads
  private readonly byEpoch = new Map<Epoch, Attempt>()
  private readonly changed = Latch.makeUnsafe()

  constructor(home: string, retention: Retention, uploads: Uploads) {
    this.home = home
    this.retention = retention
    this.uploads = uploads
  }

  get(epoch: Epoch): Attempt | undefined {
    return this.byEpoch.get(epoch)
  }
  all(): ReadonlyArray<Attempt> {
    return Array.from(this.byEpoch.values())
  }
  held(): ReadonlyArray<HeldAttempt> {
    return this.all().map((attempt) => attempt.held)
  }

  /** Hands the files of an attempt over before its end is told. */
  readonly handOverNow = ({ directory, record }: Attempt): Effect.Effect<void> => this.uploads.now(directory, record)

  /** Somebody changed an attempt of these: whoever waits looks again. */
  readonly notify = (): void => {
    this.changed.openUnsafe()
  }

  /** Waits until `holds` is true of the attempts. */
  readonly until = (holds: (attempts: ReadonlyArray<Attempt>) => boolean): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      while (!holds(this.all())) {
        this.changed.closeUnsafe()
        yield* this.changed.await
      }
    })

  /** What an earlier life of this agent left: everything whose end the coordinator has not committed. */
  readonly recover = Effect.gen({ self: this }, function* () {
    for (const { directory, record } of keptAttempts(this.home)) {
      if (record.settled) {
        if (record.handedOver === false) yield* this.handOver(directory, record)
        continue
      }
      this.byEpoch.set(record.epoch, yield* Attempt.make(directory, record))
    }
    return this.all()
  })

  /** The attempt an assignment makes. Fails with a sentence when its directory cannot be filled; it is held even then. */
  readonly add = Effect.fn("Attempts.add")({ self: this }, function* (assignment: Assignment, slot: Slot | undefined) {
    const { sweep, trial, attempt: number, epoch, trainer, command } = assignment
    const directory = attemptDirectory(this.home, epoch)
    const record: AttemptRecord = {
      contract: 1,
      sweep,
      trial,
      attempt: number,
      epoch,
      slot: assignment.slot,
      trainer,
      command,
      tree: null,
      acknowledged: { seq: 0, offset: 0, stdout: 0, stderr: 0 },
      end: null,
      settled: false,
    }
    const made = Effect.try({
      try: () => {
        // Of another coordinator's store, whose epochs are not these.
        directory.remove()
        const earlier = number > 1 ? this.earlier(assignment) : undefined
        makeAttempt(directory, assignment, slot?.devices ?? [], join(cacheFolder(this.home), sweep), earlier)
      },
      catch: (error) => error as NodeJS.ErrnoException,
    })
    const result = yield* Effect.result(made)
    const attempt = yield* Attempt.make(directory, record)
    this.byEpoch.set(epoch, attempt)
    yield* attempt.save
    return { attempt, error: result._tag === "Failure" ? result.failure : undefined }
  })

  /** Asks every attempt that has not ended to do so. */
  readonly stopAll = (request: StopRequest): Effect.Effect<void> =>
    Effect.forEach(this.all(), (attempt) => attempt.requestStop(request), { discard: true }).pipe(
      Effect.tap(Effect.sync(this.notify)),
    )

  /** The coordinator has committed the end, or does not want it: nothing more is to be sent. */
  readonly settle = Effect.fn("Attempts.settle")({ self: this }, function* (attempt: Attempt) {
    this.byEpoch.delete(attempt.epoch)
    attempt.close()
    if (attempt.unwanted) {
      attempt.record = { ...attempt.record, settled: true }
      yield* this.retention.forget(attempt.directory)
    } else {
      attempt.record = { ...attempt.record, settled: true, handedOver: false }
      yield* attempt.save
      yield* this.handOver(attempt.directory, attempt.record)
    }
    this.notify()
  })

  /** Its files go to the coordinator; only then does any of them go from this disk. */
  private readonly handOver = (directory: AttemptDirectory, record: AttemptRecord): Effect.Effect<void> =>
    this.uploads.enqueue(
      directory,
      record,
      Effect.andThen(
        Effect.ignore(Effect.try(() => directory.write({ ...record, handedOver: true }))),
        this.retention.keep(directory, { checkpoints: record.end?._tag === "Released" }),
      ),
    )

  /** An attempt that ran the very same trial here before and is over: its checkpoints can be resumed from. */
  private earlier(assignment: Assignment): AttemptDirectory | undefined {
    const wanted = essence(assignment.trialJson)
    return keptAttempts(this.home)
      .filter(
        ({ directory, record }) =>
          record.sweep === assignment.sweep &&
          record.trial === assignment.trial &&
          record.epoch !== assignment.epoch &&
          record.end !== null &&
          essenceOf(directory) === wanted,
      )
      .sort((a, b) => b.record.epoch - a.record.epoch)[0]?.directory
  }
}

/** What has to be equal for a checkpoint to be of the same trial: two coordinators may use the same names. */
const essence = (trialJson: string): string => {
  const { seed, parameters, training, parent = null } = JSON.parse(trialJson) as Record<string, unknown>
  return JSON.stringify([seed, parameters, training, parent])
}
const essenceOf = (directory: AttemptDirectory): string | undefined => {
  try {
    // One of an older agent has trial.json alone.
    return essence(readFileSync(existsSync(directory.assigned) ? directory.assigned : directory.trial, "utf8"))
  } catch {
    return undefined
  }
}
