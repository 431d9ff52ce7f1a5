// Follows a sweep to its end, drawing the live board on a terminal and plain lines elsewhere. Owns the redrawing and
// the clock; what is drawn is board.ts and plain.ts.
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { SweepState } from "@sweep/domain/SweepState"
import type { WatchEvent } from "@sweep/protocol/SweepApi"
import { plannedTrials } from "../running/plannedTrials.ts"
import { keepWatching } from "../running/keepWatching.ts"
import { tame } from "../output.ts"
import { board } from "./board.ts"
import { plainLine } from "./plain.ts"
import { advance, type SweepView } from "./SweepView.ts"

export interface FollowOptions {
  readonly out: NodeJS.WriteStream
  /** The last line of the board: what Ctrl-C does here. */
  readonly hint: string
  /** Whether a coordinator that goes away is waited for. */
  readonly waits?: boolean
}

/** Redraws in place: back to the top of what was drawn before, clear, draw. */
class Region {
  #drawn = 0
  readonly #out: NodeJS.WriteStream
  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }
  draw(lines: ReadonlyArray<string>): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ""
    // Synchronised output (2026) keeps terminals that know it from showing a half-drawn board.
    this.#out.write(`\x1b[?2026h\x1b[?25l${up}\r\x1b[0J${lines.map(tame).join("\n")}\n\x1b[?2026l`)
    this.#drawn = lines.length
  }
  end(): void {
    this.#out.write("\x1b[?25h")
  }
}

/** The state of the sweep when it ended. */
export const follow = Effect.fn("follow")(function* <E>(source: Stream.Stream<WatchEvent, E>, options: FollowOptions) {
  const { out } = options
  let view: SweepView | undefined
  let { hint } = options
  const say = (words: string, last: string) =>
    Effect.sync(() => {
      hint = last
      if (out.isTTY !== true) out.write(`${words}\n`)
    })
  const away = "The coordinator is away; waiting for it. Ctrl-C leaves; the sweep continues."
  const events =
    options.waits === true
      ? keepWatching(source, { away: say(away, away), back: say("The coordinator is back.", options.hint) })
      : source
  if (out.isTTY !== true) {
    yield* Stream.runForEach(events, (event) =>
      Effect.sync(() => {
        const trial = event._tag === "Recorded" && "trial" in event.fact ? event.fact.trial : undefined
        const earlier = trial === undefined ? null : (view?.sweep.trials.get(trial)?.verdict ?? null)
        view = advance(view, event, plannedTrials)
        if (view !== undefined && event._tag === "Recorded") {
          const line = plainLine(view, event.fact, earlier)
          if (line !== undefined) out.write(`${tame(line)}\n`)
        }
      }),
    )
    return view?.sweep as SweepState | undefined
  }

  const region = new Region(out)
  const draw = (last: () => string) =>
    Effect.sync(() => {
      if (view !== undefined)
        region.draw(board(view, { columns: out.columns ?? 80, rows: out.rows ?? 24 }, Date.now(), last()))
    })
  yield* Effect.gen(function* () {
    // Five frames a second: elapsed time moves between events, and a burst of events costs one frame.
    yield* draw(() => hint).pipe(Effect.repeat(Schedule.spaced("200 millis")), Effect.forkScoped)
    yield* Stream.runForEach(events, (event) =>
      Effect.sync(() => {
        view = advance(view, event, plannedTrials)
      }),
    )
  }).pipe(Effect.scoped, Effect.ensuring(draw(() => "").pipe(Effect.andThen(Effect.sync(() => region.end())))))
  return view?.sweep as SweepState | undefined
})
