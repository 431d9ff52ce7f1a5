// The report of a sweep as a file: asks for the results, renders, writes it whole or not at all.
import { hasFailed } from "@sweep/domain/Trial"
import { renameSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { renderReport } from "@sweep/reports/renderReport"
import { loadRuntime } from "@sweep/reports/runtime"
import { stateFailure } from "../exitCodes.ts"
import { version } from "../version.ts"
import { fileProblem } from "@sweep/domain/fileProblem"
import { makeFolder } from "../folders.ts"

/** Per curve; with 100 curves the file stays below 2 MB. */
const maxPoints = 300
/** Of a failed trial's standard error. */
const logTail = 4000
const mostLogs = 10

const tailOf = Effect.fn("tailOf")(function* (sweep: SweepId, trial: TrialNumber) {
  const api = yield* SweepApi
  const text = yield* api.logs(sweep, trial, { stream: "stderr", follow: false }).pipe(
    Stream.runFold(
      () => "",
      (kept: string, chunk) => (kept + chunk).slice(-logTail),
    ),
  )
  return [trial, text] as const
})

/** Returns the absolute path. */
export const writeReport = Effect.fn("writeReport")(function* (sweep: SweepId, file: string) {
  const api = yield* SweepApi
  const results = yield* api.results(sweep, { maxPoints })
  const failed = Array.from(results.sweep.trials.values()).filter(({ state }) => hasFailed(state))
  const logs = new Map(yield* Effect.forEach(failed.slice(0, mostLogs), (trial) => tailOf(sweep, trial.number)))
  const html = yield* Effect.promise(async () =>
    renderReport(results, {
      runtime: await loadRuntime(),
      versions: { sweep: version, node: process.versions.node },
      logs,
    }),
  )
  const path = resolve(file)
  yield* Effect.try({
    try: () => {
      makeFolder(dirname(path))
      writeFileSync(`${path}.part`, html)
      renameSync(`${path}.part`, path)
    },
    catch: (cause) => stateFailure(`cannot write the report: ${fileProblem(Object.assign(cause as object, { path }))}`),
  })
  return path
})
