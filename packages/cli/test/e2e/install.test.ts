// What people install: the wheel, in a fresh Python environment where no Node.js is on the PATH, and the npm package.
import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { expect, it } from "vitest"
import { lastJson, root, Running, smallSweep, Workplace } from "./harness.ts"

const python = join(root, ".venv/bin/python")

const built = (what: string, ending: string): string => {
  const said = execFileSync(process.execPath, [join(root, "scripts/package.mjs"), what], { encoding: "utf8" })
  const file = new RegExp(`dist/\\S+${ending}`).exec(said)![0]
  return join(root, file)
}

it("a wheel runs a sweep where there is no Node.js", { timeout: 600_000 }, async () => {
  const place = new Workplace()
  const environment = join(place.directory, "environment")
  execFileSync("python3", ["-m", "venv", environment])
  execFileSync(join(environment, "bin/pip"), ["install", "--quiet", built("wheel", ".whl")])

  const empty = join(place.directory, "empty")
  mkdirSync(empty)
  const env = { PATH: empty, HOME: place.directory, SWEEP_HOME: place.home, NO_COLOR: "1" }
  const sweep = (...args: ReadonlyArray<string>) => {
    const running = new Running([join(environment, "bin/sweep"), ...args], { cwd: place.directory, env })
    running.process.stdin!.end()
    return running.done
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  expect(await sweep("--version")).toMatchObject({ code: 0, stdout: `sweep v${version}\n` })

  expect(await sweep("quickstart")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("sweep run sweeps/quickstart.yaml"),
  })
  expect((await sweep("check", "sweeps/quickstart.yaml")).stdout).toContain("18 sets of parameters")

  // The environment that was prepared for the tests already has what the trainer needs.
  const run = await sweep("run", place.write("small.yaml", smallSweep()), "--json", "--slots", "1", "--python", python)
  expect(run.code, run.stderr).toBe(0)
  const { trials, report } = lastJson(run.stdout)
  expect(trials).toMatchObject({ completed: 2 })
  expect(readFileSync(report, "utf8")).toContain("<!doctype html>")

  for (const path of ["man/man1/sweep.1", "bash-completion/completions/sweep", "zsh/site-functions/_sweep"]) {
    expect(readFileSync(join(environment, "share", path), "utf8")).toContain("quickstart")
  }
})

it("the npm package starts, and says what the clone's program says", { timeout: 600_000 }, async () => {
  const place = new Workplace()
  const prefix = join(place.directory, "npm")
  mkdirSync(prefix)
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, built("npm", ".tgz")], {
    cwd: prefix,
  })
  const file = place.write("small.yaml", smallSweep())
  const installed = new Running(
    [process.execPath, join(prefix, "node_modules/sweep-ft/bin/sweep.mjs"), "check", file],
    {
      cwd: place.directory,
      env: { ...process.env, NO_COLOR: "1", SWEEP_HOME: place.home, HOME: place.directory },
    },
  )
  installed.process.stdin!.end()
  expect(await installed.done).toMatchObject({ code: 0, stdout: (await place.run(["check", file])).stdout })
  expect(readdirSync(join(prefix, "node_modules/@duckdb"))).toContain("node-api")
})
