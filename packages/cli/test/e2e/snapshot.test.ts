// A program and its data that no agent's host has: sent through a coordinator with TLS and tokens, fetched once, unpacked
// for each trial. The submitter's folder is moved away before the agent starts, so that nothing can be read from there.
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, Workplace } from "./harness.ts"

const program = (offset: number) => `
import os, sys
from lib.score import score
import sweep
assert not os.path.exists(".env")
run = sweep.init()
target = float(open("data/target.txt").read())
open("written-here.txt", "x").write("by this trial alone")
print("cwd", os.getcwd())
run.log({"loss": score(run.config.x, target) + ${offset}}, step=1)
`

const access = async (place: Workplace) => {
  for (const args of [
    ["certs"],
    ["tokens", "create", "hosts", "--role", "agent"],
    ["tokens", "create", "me", "--role", "submit"],
  ]) {
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
  }
  return { hosts: join(place.home, "access", "hosts.json"), me: join(place.home, "access", "me.json") }
}

describe("a source snapshot", () => {
  it(
    "carries a program, its modules and relative data to a host that has none of them",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const { hosts, me } = await access(place)
      const coordinator = place.start(["serve", "--port", "0", "--tls"])
      const [, address] = await coordinator.until(/--coordinator (\S+:\d+)/)

      const desk = new Workplace()
      for (const folder of ["lib", "data", "scripts"]) mkdirSync(join(desk.directory, folder))
      desk.write("lib/score.py", "def score(x, target):\n    return (x - target) ** 2\n")
      desk.write("data/target.txt", "3\n")
      desk.write("data/large.bin", "x".repeat(1_000_000))
      desk.write(".env", "TOKEN=no agent sees this\n")
      desk.write(".gitignore", "data/\nstate/\n")
      desk.write(".sweepignore", "!data/\n")
      desk.write("train.py", program(0))
      const sweepFile = (name: string) => `
name: ${name}
program: train.py
command: [python3, "\${program}"]
method: grid
metric: {name: loss, goal: minimize}
parameters: {x: {values: [1, 3]}}
`
      desk.write("sweep.yaml", sweepFile("sent"))
      const git = (...args: ReadonlyArray<string>) =>
        execFileSync("git", ["-C", desk.directory, "-c", "user.name=a", "-c", "user.email=a@b", ...args])
      git("init", "-q")
      git("add", "-A")
      git("commit", "-qm", "first")
      const submit = (file: string, env: NodeJS.ProcessEnv = {}) =>
        desk.run(["run", file, "--coordinator", address!, "--detach"], { SWEEP_ACCESS: me, ...env })
      // Whoever may only run agents may send nothing.
      expect(await submit("sweep.yaml", { SWEEP_ACCESS: hosts })).toMatchObject({ code: 77 })
      // A secret of the environment in a file that would be sent is told with its place.
      desk.write("notes.py", 'key = "sk-very-secret-value"\n')
      const leaking = await submit("sweep.yaml", { OPENAI_API_KEY: "sk-very-secret-value" })
      expect(leaking).toMatchObject({
        code: 65,
        stderr: expect.stringMatching(/notes\.py:1: this is the value of OPENAI_API_KEY/),
      })
      desk.write("notes.py", "\n")

      const first = await submit("sweep.yaml")
      expect(first.code, first.stderr).toBe(0)
      expect(first.stderr).toMatch(/source snapshot [0-9a-f]{12}: \d+ files, 9[78]\d(\.\d)? KiB; sent 9[78]\d/)
      writeFileSync(join(desk.directory, "train.py"), program(10))
      desk.write("second.yaml", sweepFile("again"))
      const second = await submit("second.yaml")
      // Only what changed is sent again.
      expect(second.stderr).toMatch(/sent \d\.?\d* KiB/)

      renameSync(desk.directory, `${desk.directory}-moved`)
      mkdirSync(desk.directory)

      const host = new Workplace()
      const agent = host.start(["agent", "--coordinator", address!, "--allow-commands", "--slots", "2"], {
        SWEEP_ACCESS: hosts,
      })
      await agent.until(/connected/)
      const as = (...command: ReadonlyArray<string>) =>
        place.run([...command, "--coordinator", address!], { SWEEP_ACCESS: me })
      for (const [name, best] of [
        ["sent", 0],
        ["again", 10],
      ] as const) {
        expect((await as("watch", name)).code).toBe(0)
        const trials = lastJson((await as("trials", name, "--json")).stdout)
        expect(trials).toMatchObject([{ state: "completed" }, { state: "completed", objective: best }])
      }
      const log = await as("logs", "sent/1")
      expect(log.stdout).toContain(`cwd ${host.home}/agent/attempts/`)
      expect((await as("show", "sent")).stdout).toMatch(
        /source +snapshot [0-9a-f]{12}: \d+ files, .*; git [0-9a-f]{12} and 1 changed files/,
      )
      // Fetched once for both trials; of the second sweep only what differs.
      const fetched = Array.from(agent.stderr.concat(agent.stdout).matchAll(/fetched (\d+) of (\d+) files/g), (m) =>
        Number(m[1]),
      )
      expect(fetched).toHaveLength(2)
      expect(fetched[1]).toBe(2)
      expect(readFileSync(join(`${desk.directory}-moved`, "sweep.yaml"), "utf8")).toContain("sent")
      execFileSync("rm", ["-rf", `${desk.directory}-moved`])
    },
  )
})
