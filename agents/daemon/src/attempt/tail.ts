// Follows one running attempt's files. Owns noticing that they grew, and what the agent itself has to know of the spool
// whether or not a coordinator listens: the event that ends the attempt, the last values, the lines nobody understands.
// What it reads it does not keep: the uplink reads the file again, from where the coordinator is.
import { metricNumber, type TrialEventOf } from "@sweep/domain/TrialEvent"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { AttemptDirectory } from "./AttemptDirectory.ts"
import { FileWatch } from "./FileWatch.ts"
import type { LogFile } from "./LogFile.ts"
import { type Position, Spool, start } from "./spool.ts"

/** An attempt that writes more than this is out of hand: it would fill the disk and the store. */
export const spoolLimit = 1024 * 1024 * 1024

export type EndEvent = TrialEventOf<"finished"> | TrialEventOf<"failed"> | TrialEventOf<"paused">

export class Tail {
  /** The last line read. */
  position: Position = start
  end: EndEvent | undefined
  step = 0
  readonly values: Record<string, number> = {}
  invalid = 0
  problem: string | undefined
  missing = 0
  /** Done once the trainer has written how it ended. */
  readonly ended = Deferred.makeUnsafe<EndEvent>()
  /** Done once the spool has outgrown its limit. */
  readonly overgrown = Deferred.makeUnsafe<void>()

  /** How often the files were found to have grown. */
  growths = 0

  /** The sizes of the files at the last look. */
  private seen = ""
  private readonly spool: Spool
  private readonly directory: AttemptDirectory
  private readonly logs: { readonly stdout: LogFile; readonly stderr: LogFile }
  private readonly onGrowth: () => void

  constructor(
    directory: AttemptDirectory,
    logs: { readonly stdout: LogFile; readonly stderr: LogFile },
    onGrowth: () => void,
  ) {
    this.directory = directory
    this.logs = logs
    this.onGrowth = onGrowth
    this.spool = new Spool(directory.events)
  }

  /** Reads every complete line there is. */
  catchUp(): void {
    for (let batch = this.spool.read(this.position); batch !== undefined; batch = this.spool.read(this.position)) {
      this.position = batch.next
      this.invalid += batch.invalid
      this.missing += batch.missing
      this.problem ??= batch.problem
      const { metrics, metric, step, value } = batch.points
      for (let i = 0; i < metric.length; i++) {
        this.values[metrics[metric[i]!]!] = value[i]!
        this.step = step[i]!
      }
      for (const event of batch.events) {
        if (event.type !== "finished" && event.type !== "failed" && event.type !== "paused") continue
        if (this.end !== undefined) continue
        this.end = event
        if (event.type === "finished") {
          this.step = event.step
          for (const [name, last] of Object.entries(event.values)) this.values[name] = metricNumber(last)
        }
        Deferred.doneUnsafe(this.ended, Effect.succeed(event))
      }
    }
    // By its size: one line without an end would never be passed.
    if (this.spool.size() > spoolLimit) Deferred.doneUnsafe(this.overgrown, Effect.void)
  }

  /** Until interrupted. */
  readonly follow: Effect.Effect<never> = Effect.scoped(
    Effect.gen({ self: this }, function* () {
      const changed = Latch.makeUnsafe(true)
      const { watch, lookMillis } = yield* FileWatch
      yield* Effect.acquireRelease(
        Effect.sync(() => watch(this.directory.path, () => changed.openUnsafe())),
        (watcher) => Effect.sync(() => watcher?.close()),
      )
      for (;;) {
        yield* Effect.timeoutOption(changed.await, lookMillis)
        changed.closeUnsafe()
        // A file system that fails for a moment is looked at again.
        yield* Effect.ignore(Effect.try(() => this.look()))
      }
    }),
  )

  /** Takes up what has grown. */
  look(): void {
    const sizes = `${this.spool.size()} ${this.logs.stdout.size()} ${this.logs.stderr.size()}`
    if (sizes === this.seen) return
    this.seen = sizes
    this.growths++
    this.catchUp()
    this.logs.stdout.bound()
    this.logs.stderr.bound()
    this.onGrowth()
  }

  close(): void {
    this.spool.close()
  }
}
