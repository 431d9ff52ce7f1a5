// The tool `run`: submits to the coordinator that is there, or starts `sweep run` beside the server, which ends with its
// sweep and not with the server. Owns that no sweep without an end is started: nobody may be there to stop it.
import { spawn } from "node:child_process"
import { mkdirSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { samplerFor } from "@sweep/search/samplerFor"
import { plannedRuns } from "@sweep/domain/plannedRuns"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { badInput, stateFailure } from "../exitCodes.ts"
import type { CoordinatorFlags } from "../flags.ts"
import { readSweepFile } from "../running/readSweepFile.ts"
import { ableAgents } from "../running/whoIsMissing.ts"
import { explainApi, findCoordinator, remoteApi, withApi } from "../serving/access.ts"
import { ensureHome, home } from "../serving/home.ts"

const lookMillis = 250
/** The coordinator of the state directory. */
const own: CoordinatorFlags = { address: Option.none(), access: Option.none() }

const hasEnd = (spec: SweepSpec): boolean =>
  spec.budget.hours !== null || spec.budget.gpuHours !== null || plannedRuns(spec, samplerFor(spec).size, 0) !== null

/** The last words of a command that failed. */
const wordsOf = (log: string): string => readFileSync(log, "utf8").trim().split("\n").slice(-6).join("\n")

/** Starts the command and waits until its sweep is there. */
const runBeside = (file: string, name: string) =>
  Effect.gen(function* () {
    const at = yield* home
    yield* ensureHome(at)
    const ids = Effect.gen(function* () {
      return (yield* (yield* SweepApi).list).filter(({ spec }) => spec.name === name).map(({ id }) => id)
    })
    const before = new Set(yield* withApi(own, ids).pipe(explainApi))
    const directory = join(at.directory, "mcp")
    mkdirSync(directory, { recursive: true })
    const log = join(directory, `${name.replaceAll(/[^A-Za-z0-9-]/g, "-")}.log`)
    const out = openSync(log, "w", 0o600)
    const child = spawn(process.execPath, [process.argv[1]!, "run", file, "--json", "--no-web"], {
      stdio: ["ignore", out, out],
      detached: true,
    })
    child.unref()
    let ended: number | null | undefined
    child.once("error", () => (ended = null))
    child.once("exit", (code) => (ended = code))
    for (;;) {
      // One that ends at once has left its sweep on disk; one that failed has left its words.
      const over = ended
      if (over !== undefined && over !== 0) return yield* stateFailure(`the sweep was not started: ${wordsOf(log)}`)
      if (over === 0 || (yield* findCoordinator(own)) !== undefined) {
        const found = yield* withApi(own, ids).pipe(Effect.orElseSucceed(() => []))
        const made = found.find((id) => !before.has(id))
        if (made !== undefined) return { sweep: made, where: "this machine", log }
        if (over === 0) return yield* stateFailure(`no sweep was made: ${wordsOf(log)}`)
      }
      yield* Effect.sleep(lookMillis)
    }
  })

export const startRun = (file: string, flags: CoordinatorFlags) =>
  Effect.gen(function* () {
    const { spec } = yield* readSweepFile(file)
    if (spec.trainer === "external") {
      return yield* badInput("a sweep with 'trainer: external' runs its own trials: sweep ask-tell")
    }
    if (!hasEnd(spec)) {
      return yield* badInput(
        "this sweep has no end: give it a budget, such as 'budget: {trials: 20}' or 'budget: {hours: 2}'",
      )
    }
    const found = yield* findCoordinator(flags)
    if (found === undefined || found.passing) return yield* runBeside(file, spec.name)
    return yield* Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(spec)
      const takers = ableAgents(spec.trainer, (yield* api.status).agents)
      return { sweep, where: found.client.address, agents: takers.length }
    }).pipe(Effect.provide(remoteApi(found)), explainApi)
  })
