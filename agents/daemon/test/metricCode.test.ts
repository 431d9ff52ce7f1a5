import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { forbiddenMetrics } from "../src/session/metricCode.ts"

it("a metric's code is allowed only in the folders of the agent's owner, wherever links lead", () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "sweep-metrics-")))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const allowed = join(directory, "allowed")
  for (const folder of ["allowed", "allowed-not"]) mkdirSync(join(directory, folder))
  for (const file of ["allowed/x.py", "allowed-not/x.py"]) writeFileSync(join(directory, file), "")
  symlinkSync(join(directory, "allowed-not/x.py"), join(allowed, "link.py"))
  const forbidden = (metric: string, folders = [allowed]) =>
    forbiddenMetrics(JSON.stringify({ task_metrics: { metrics: ["rouge_l", metric] } }), folders)
  expect(forbidden("exact_match")).toEqual([])
  expect(forbidden(`${allowed}/x.py:f`)).toEqual([])
  expect(forbidden(`${allowed}/x.py:f`, [])).toEqual([`${allowed}/x.py`])
  expect(forbidden(`${allowed}/x.py:f`, ["/"])).toEqual([])
  for (const path of ["allowed-not/x.py", "allowed/link.py", "allowed/../allowed-not/x.py", "allowed/missing.py"]) {
    expect(forbidden(`${join(directory, "")}/${path}:f`), path).toHaveLength(1)
  }
  expect(forbiddenMetrics("{}", [])).toEqual([])
})
