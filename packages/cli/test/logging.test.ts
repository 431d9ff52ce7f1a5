import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { expect, it, onTestFinished } from "vitest"
import { withFileLog } from "../src/logging.ts"

it("the log has the date, and of a defect the cause with its place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sweep-log-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, "coordinator.log")
  const defect = new TypeError("x is not a function")
  await Effect.runPromise(
    Effect.logInfo("connected").pipe(
      Effect.andThen(Effect.logError("a request ended in a defect", Cause.die(defect))),
      Effect.andThen(Effect.logWarning("trying again")),
      withFileLog(path),
    ),
  )
  const text = readFileSync(path, "utf8")
  expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ error: a request ended in a defect\n {2}.*x is not a function/)
  expect(text).toMatch(/\n {2}\s*at .*logging\.test\.ts/)
  expect(text).toMatch(/\n\d{4}-\S+Z warning: trying again\n$|\n\d{4}-\S+Z warn: trying again\n$/)
  expect(text).not.toContain("connected")
})
