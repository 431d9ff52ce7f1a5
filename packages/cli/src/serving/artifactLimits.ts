// How much of the disk files of trials may take, from the environment, in GiB: SWEEP_ARTIFACTS_RESERVE stays free for the
// database when both lie on one disk; SWEEP_ARTIFACTS_PER_SWEEP and SWEEP_ARTIFACTS_PER_AGENT are quotas.
import { mkdirSync, statfsSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import { badInput } from "../exitCodes.ts"
import type { Home } from "./home.ts"

const gibibyte = 2 ** 30
/** Unless said: 1 GiB, and of a small disk a twentieth. */
const reserveShare = 0.05

const fromEnvironment = (variable: string) =>
  Effect.suspend(() => {
    const text = process.env[variable]
    if (text === undefined || text === "") return Effect.succeed(undefined)
    const count = Number(text)
    return count >= 0 && Number.isFinite(count)
      ? Effect.succeed(count * gibibyte)
      : badInput(`${variable}=${text}: expected a number of GiB, 0 or more`)
  })

/** The reserve on the disk of `at`; 0 where files and database lie on different disks. */
const defaultReserve = (at: Home): number => {
  try {
    mkdirSync(at.artifacts, { recursive: true })
    if (statSync(at.artifacts).dev !== statSync(at.store).dev) return 0
    const { blocks, bsize } = statfsSync(at.artifacts)
    return Math.floor(Math.min(gibibyte, blocks * bsize * reserveShare))
  } catch {
    return 0
  }
}

export const artifactLimits = Effect.fnUntraced(function* (at: Home) {
  const reserve = yield* fromEnvironment("SWEEP_ARTIFACTS_RESERVE")
  const sweep = yield* fromEnvironment("SWEEP_ARTIFACTS_PER_SWEEP")
  const agent = yield* fromEnvironment("SWEEP_ARTIFACTS_PER_AGENT")
  return {
    reserve: reserve ?? defaultReserve(at),
    quotas: { ...(sweep === undefined ? {} : { sweep }), ...(agent === undefined ? {} : { agent }) },
  }
})
