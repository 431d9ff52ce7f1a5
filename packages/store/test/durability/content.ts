// Everything that a store has acknowledged, as one line of text: two stores with the same line have the same content.
import * as Effect from "effect/Effect"
import type { Store } from "../../src/Store.ts"
import { sweep } from "../storeFixtures.ts"

export const contentOf = (store: Store["Service"]) =>
  Effect.gen(function* () {
    const points = yield* store.query(
      "SELECT count(*), md5(string_agg(row ORDER BY row)) FROM (SELECT metrics::VARCHAR AS row FROM metrics)",
      1,
    )
    const events = yield* store.query(
      "SELECT count(*), md5(string_agg(row ORDER BY row)) FROM (SELECT events::VARCHAR AS row FROM events)",
      1,
    )
    const logs = []
    for (const { epoch } of yield* store.highWater) {
      logs.push(yield* store.log(sweep, epoch as never, "stdout", { epoch: null, offset: 0 }, 1 << 20))
    }
    return JSON.stringify([yield* store.facts, yield* store.highWater, points.rows, events.rows, logs])
  })
