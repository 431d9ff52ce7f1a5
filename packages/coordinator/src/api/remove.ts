// Removing a sweep for good: its trials, what they reported and the files they left. Owns when that is refused, and the
// order: the fact with which everything stored goes is committed first, the files go after it. When they do not, the next
// start of a coordinator removes them.
import * as Effect from "effect/Effect"
import { Epoch, type SweepId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import { Refused, type Removal, Unavailable } from "@sweep/protocol/SweepApi"
import { Store, type StoreError } from "@sweep/store/Store"
import type { Artifacts } from "../attempts/artifacts.ts"
import type { Journal } from "../state/Journal.ts"

export type Remove = (sweep: SweepState, preview: boolean) => Effect.Effect<Removal, Refused | StoreError | Unavailable>

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`

export const makeRemove = Effect.fnUntraced(function* ({ state, record }: Journal, artifacts: Artifacts) {
  const store = yield* Store

  /** Other sweeps that show its results as those of trials of their own, and how many trials that are. */
  const usersOf = (id: SweepId): ReadonlyMap<SweepId, number> => {
    const users = new Map<SweepId, number>()
    for (const sweep of state.sweeps.values()) {
      for (const { reusedFrom } of sweep.trials.values()) {
        if (reusedFrom?.sweep === id) users.set(sweep.id, (users.get(sweep.id) ?? 0) + 1)
      }
    }
    return users
  }

  /** Why the sweep cannot be removed now. */
  const refusal = ({ id, status }: SweepState): string | undefined => {
    if (state.removed.has(id)) return `${id} was removed meanwhile`
    if (status === "running" || status === "paused") return `${id} is ${status}; end it first: sweep stop ${id}`
    const open = state.open(id).size
    if (open > 0) {
      return `${id} has ended (${status}), but ${count(open, "trial")} of it still ${open === 1 ? "has" : "have"} to; remove it after that`
    }
    const users = Array.from(usersOf(id), ([sweep, trials]) => `${sweep} (${count(trials, "trial")})`)
    if (users.length === 0) return undefined
    return `results of ${id} are reused by ${users.join(", ")}, whose curves and adapters they are; remove ${users.length === 1 ? "that sweep" : "those sweeps"} first`
  }

  const remove: Remove = Effect.fnUntraced(function* (sweep, preview) {
    const { id } = sweep
    const now = refusal(sweep)
    if (now !== undefined) return yield* new Refused({ message: now })
    const points = yield* store.countPoints(id)
    const removal = { trials: sweep.trials.size, points, ...(yield* artifacts.sizeOf(id)) }
    if (preview) return removal
    let meanwhile: string | undefined
    const recorded = yield* record((at) => {
      meanwhile = refusal(sweep)
      return meanwhile === undefined
        ? [{ _tag: "SweepRemoved", at, sweep: id, epoch: Epoch.make(Math.max(1, state.lastEpoch)) }]
        : []
    })
    if (recorded.length === 0) return yield* new Refused({ message: meanwhile! })
    yield* Effect.mapError(
      artifacts.remove(id),
      ({ reason, message }) =>
        new Unavailable({
          reason,
          message: `${id} is removed, but not all of its files: ${message}; the next start of a coordinator tries again`,
        }),
    )
    return removal
  })
  return remove
})
