// Reading a trial's log, and following it while the trial continues. Owns the paging; the text is the store's.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { isTerminal } from "@sweep/domain/Trial"
import { Store, type StoreError } from "@sweep/store/Store"
import type { State } from "../state/State.ts"

const pageBytes = 256 * 1024

/** How often a followed log is looked at. */
const followEvery = "250 millis"

export const readLog = (
  state: State,
  sweep: SweepId,
  trial: TrialNumber,
  options: { readonly stream: "stdout" | "stderr"; readonly follow: boolean },
): Stream.Stream<string, StoreError, Store> => {
  interface Cursor {
    readonly epoch: Epoch | null
    readonly offset: number
  }
  const page = (
    cursor: Cursor,
  ): Effect.Effect<readonly [ReadonlyArray<string>, Cursor | undefined], StoreError, Store> =>
    Effect.gen(function* () {
      const store = yield* Store
      while (true) {
        // Asked before the log is read: what was written before the end is read after it.
        const found = state.trial(sweep, trial)
        const goesOn = options.follow && found !== undefined && !isTerminal(found.state)
        const { epoch, text, end } = yield* store.log(sweep, trial, options.stream, cursor, pageBytes)
        if (text !== "") return [[text], { epoch, offset: end }]
        if (!goesOn) return [[], undefined]
        yield* Effect.sleep(followEvery)
      }
    })
  return Stream.unfold<Cursor | undefined, ReadonlyArray<string>, StoreError, Store>(
    { epoch: null, offset: 0 },
    (cursor) =>
      cursor === undefined
        ? Effect.succeed(undefined)
        : Effect.map(page(cursor), ([texts, next]) => [texts, next] as const),
  ).pipe(Stream.flattenIterable)
}
