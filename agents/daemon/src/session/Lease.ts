// How long this agent may continue without its coordinator. Owns the moment of the last contact, on the monotonic clock and
// across restarts of the agent, and ending the trials when the lease has run out: by then the coordinator gives them to
// another agent. Contact is what the coordinator answered, as of when it was said: that a transport took a message, or
// that an answer lay in a buffer for long, is none. An agent that itself stood still (stopped, starved, suspended) finds
// out on its first step after.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { defaultTimings, Timings } from "@sweep/domain/Lease"
import type { Reason } from "@sweep/domain/Reason"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { writeAtomically } from "../host/AgentHome.ts"
import { bootId } from "../process/ProcessIdentity.ts"

const Contact = Schema.fromJsonString(Schema.Struct({ boot: Schema.String, millis: Schema.Finite, timings: Timings }))
const decodeContact = Schema.decodeUnknownOption(Contact)
const encodeContact = Schema.encodeSync(Contact)

/** Milliseconds that only ever grow. */
export const monotonic: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

export class Lease {
  timings: Timings = defaultTimings
  private lastContact = 0
  private writtenAt = Number.NEGATIVE_INFINITY
  /** It has run out and the trials have been told; they are told once. */
  lapsed = false
  private readonly path: string
  private readonly boot = bootId()
  private readonly onLapse: (reason: Reason) => Effect.Effect<void>

  private constructor(home: string, onLapse: (reason: Reason) => Effect.Effect<void>) {
    this.path = join(home, "contact.json")
    this.onLapse = onLapse
  }

  /** Goes on with the lease of this agent's earlier life, if that was since the machine's boot. */
  static readonly make = Effect.fn("Lease.make")(function* (
    home: string,
    onLapse: (reason: Reason) => Effect.Effect<void>,
  ) {
    const lease = new Lease(home, onLapse)
    lease.lastContact = yield* monotonic
    const contact = decodeContact(readText(lease.path))
    if (contact._tag === "Some" && contact.value.boot === lease.boot) {
      lease.timings = contact.value.timings
      lease.lastContact = Math.min(lease.lastContact, contact.value.millis)
    }
    return lease
  })

  /** The coordinator heard what was said at `at`. When the lease had run out before, its consequences come first. */
  readonly touch = Effect.fnUntraced({ self: this }, function* (at: number) {
    yield* this.check
    const now = yield* monotonic
    this.lastContact = Math.max(this.lastContact, Math.min(at, now))
    this.lapsed = now - this.lastContact > this.timings.lease
    if (now - this.writtenAt < this.timings.heartbeat / 2) return
    this.writtenAt = now
    yield* this.save
  })

  readonly adopt = (timings: Timings): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.timings = timings
      return this.save
    })

  /** Ends the trials if the lease has run out. */
  readonly check = Effect.gen({ self: this }, function* () {
    if (this.lapsed || (yield* monotonic) - this.lastContact <= this.timings.lease) return
    this.lapsed = true
    const seconds = Math.round(this.timings.lease / 1000)
    yield* this.onLapse({ _tag: "LeaseLapsed", seconds })
  })

  /** The loop. */
  readonly watch: Effect.Effect<never> = Effect.suspend(() =>
    Effect.andThen(this.check, Effect.sleep(Math.max(10, Math.min(1_000, this.timings.lease / 10)))),
  ).pipe(Effect.forever)

  private readonly save = Effect.suspend(() =>
    Effect.ignore(
      Effect.try(() =>
        writeAtomically(this.path, encodeContact({ boot: this.boot, millis: this.lastContact, timings: this.timings })),
      ),
    ),
  )
}

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}
