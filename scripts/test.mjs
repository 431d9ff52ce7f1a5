// `npm test`: prepares what the tests need, then runs every check and every test: static checks, vitest (unit,
// contract, golden, browser, end-to-end), pytest. `npm test -- FILTER` runs only the vitest files that match.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runChecks } from "./checks.mjs"
import { llamaFactoryVenv, nodePath, orExplain, prepare, preparedEnvironment, root, venvPython } from "./prepare.mjs"

const filters = process.argv.slice(2)

await orExplain(async () => {
  await prepare({ forTests: true })
  const work = mkdtempSync(join(tmpdir(), "sweep-test-"))
  const env = preparedEnvironment()
  let passed = 0
  let failed = 0
  let broken = false
  try {
    if (filters.length === 0) {
      const failures = await runChecks()
      failed += failures
    }
    const report = join(work, "vitest.json")
    const vitest = spawnSync(
      nodePath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...filters,
      ],
      { cwd: root, env, stdio: "inherit" },
    )
    try {
      const summary = JSON.parse(readFileSync(report, "utf8"))
      passed += summary.numPassedTests
      failed += summary.numFailedTests
    } catch {
      broken = true
    }
    if (vitest.status !== 0) broken = true
    if (filters.length === 0) {
      // One run each: every suite has a conftest of its own, and Python knows one module of that name.
      const pythonSuites = [
        [venvPython, "agents/trainer/tests", "sweeps"],
        [venvPython, "agents/python/tests"],
        [join(llamaFactoryVenv, "bin/python"), "agents/llamafactory/tests"],
      ]
      const suites = pythonSuites.map(([python, ...directories], i) => {
        const junit = join(work, `pytest-${i}.xml`)
        const done = spawnSync(python, ["-m", "pytest", "-q", ...directories, `--junitxml=${junit}`], {
          cwd: root,
          env: { ...env, OMP_NUM_THREADS: "1" },
          stdio: "inherit",
        })
        if (done.status !== 0) broken = true
        return /<testsuite [^>]*errors="(\d+)" failures="(\d+)" skipped="(\d+)" tests="(\d+)"/.exec(
          readFileSync(junit, "utf8"),
        )
      })
      for (const suite of suites) {
        if (suite === null) {
          broken = true
          continue
        }
        const [errors, failures, skipped, tests] = suite.slice(1).map(Number)
        passed += tests - errors - failures - skipped
        failed += errors + failures
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed > 0 || broken ? 1 : 0)
})
