// The newest lines of the agent's own log, for `sweep agents logs`. Owns how many are kept and that they are sent in
// groups: a log that is written fast costs no message a line. The log itself goes where it went before.
import type { SessionBroken } from "@sweep/protocol/AgentConnection"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"

const mostLines = 200
const longestLine = 2_000
const gatherMillis = 500

export class RecentLog {
  #lines: Array<string> = []
  /** Lines that were ever written. */
  #written = 0
  readonly #changed = Latch.makeUnsafe(false)

  readonly logger = Logger.make<unknown, void>(({ date, logLevel, message }) => {
    const parts = Array.isArray(message) ? message : [message]
    const text = parts
      .map((part) => (typeof part === "string" ? part : part instanceof Error ? part.message : JSON.stringify(part)))
      .join(" ")
    const level = logLevel === "Info" ? "" : `${logLevel.toLowerCase()}: `
    this.#lines.push(`${date.toISOString().slice(0, 19)}Z ${level}${text}`.slice(0, longestLine))
    if (this.#lines.length > mostLines) this.#lines.shift()
    this.#written++
    this.#changed.openUnsafe()
  })

  /** Sends what there is, and from then on what comes. */
  follow(
    send: (lines: ReadonlyArray<string>) => Effect.Effect<void, SessionBroken>,
  ): Effect.Effect<never, SessionBroken> {
    let sent = Math.max(0, this.#written - this.#lines.length)
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const fresh = this.#lines.slice(-Math.min(this.#lines.length, this.#written - sent))
        const count = this.#written - sent
        sent = this.#written
        this.#changed.closeUnsafe()
        if (count > 0) yield* send(fresh)
        yield* this.#changed.await
        yield* Effect.sleep(gatherMillis)
      }
    })
  }
}
