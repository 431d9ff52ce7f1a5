// The static checks, in the order of their speed. Owns the list; each is a command whose exit code decides.
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { nodePath, preparedEnvironment, root, venvPython } from "./prepare.mjs"
import { lockProblems } from "./pythonLock.mjs"

const bin = (name) => join(root, "node_modules/.bin", name)
const command =
  (path, ...args) =>
  () => {
    const done = spawnSync(path, args, { cwd: root, env: preparedEnvironment(), encoding: "utf8" })
    return { ok: done.status === 0, output: `${done.stdout ?? ""}${done.stderr ?? ""}${done.error ?? ""}` }
  }

/** Generates again and compares: what is in proto/gen is what buf and ts-proto make of the .proto files. */
const generated = () => {
  const before = spawnSync("git", ["status", "--porcelain", "proto/gen"], { cwd: root, encoding: "utf8" }).stdout
  const done = command("pnpm", "--filter", "@sweep/proto", "generate")()
  if (!done.ok) return done
  const after = spawnSync("git", ["status", "--porcelain", "proto/gen"], { cwd: root, encoding: "utf8" }).stdout
  return after === before && after === ""
    ? { ok: true, output: "" }
    : {
        ok: false,
        output: `proto/gen differs from what the .proto files generate; commit the result of 'pnpm --filter @sweep/proto generate':\n${after}`,
      }
}

const pythonSources = ["agents/trainer", "agents/llamafactory", "agents/python", "sweeps", "bench", "scripts"]
const sources = ["packages", "agents/daemon/src", "reports/src"]

const checks = [
  {
    name: "imports",
    run: command(bin("depcruise"), "--config", ".dependency-cruiser.mjs", ...sources),
  },
  { name: "format", run: command(bin("oxfmt"), "--check", ".") },
  { name: "lint", run: command(bin("oxlint"), "--deny-warnings") },
  { name: "types", run: command(bin("tsc"), "-p", ".") },
  { name: "types of the page", run: command(bin("tsc"), "-p", "reports/page") },
  { name: "proto lint", run: command("pnpm", "--filter", "@sweep/proto", "lint") },
  { name: "proto generated", run: generated },
  { name: "contracts", run: command(nodePath, join(root, "scripts/contracts.mjs"), "--check") },
  {
    name: "python lock",
    run: () => {
      const problems = lockProblems(root)
      return { ok: problems.length === 0, output: problems.join("\n") }
    },
  },
  { name: "unused", run: command(bin("knip")) },
  { name: "python lint", run: command(venvPython, "-m", "ruff", "check", ...pythonSources) },
  {
    name: "python format",
    run: command(venvPython, "-m", "ruff", "format", "--check", ...pythonSources),
  },
]

/** Runs them all, prints the output of those that fail, and returns how many did. */
export const runChecks = async () => {
  let failed = 0
  for (const { name, run } of checks) {
    const started = Date.now()
    const { ok, output } = await run()
    console.log(`${ok ? "ok    " : "FAILED"}  ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
    if (!ok) {
      failed++
      console.log(output)
    }
  }
  return failed
}
