// The coordinator's promises on time, from the environment: SWEEP_HEARTBEAT, SWEEP_SUSPECT, SWEEP_LEASE, SWEEP_GRACE and
// SWEEP_MARGIN, in seconds.
import * as Effect from "effect/Effect"
import { defaultTimings, Timings } from "@sweep/domain/Lease"
import { badInput } from "../exitCodes.ts"

const names = ["heartbeat", "suspect", "lease", "grace", "margin"] as const

export const timingsFromEnvironment = Effect.gen(function* () {
  const timings: Record<(typeof names)[number], number> = { ...defaultTimings }
  for (const name of names) {
    const variable = `SWEEP_${name.toUpperCase()}`
    const text = process.env[variable]
    if (text === undefined || text === "") continue
    const seconds = Number(text)
    if (!(seconds > 0)) return yield* badInput(`${variable}=${text}: expected a number of seconds above 0`)
    timings[name] = seconds * 1000
  }
  if (timings.heartbeat >= timings.suspect || timings.suspect > timings.lease) {
    return yield* badInput(
      `the timings have to grow: heartbeat ${timings.heartbeat / 1000} s < suspect ${timings.suspect / 1000} s ≤ lease ${timings.lease / 1000} s`,
    )
  }
  return new Timings(timings)
})
