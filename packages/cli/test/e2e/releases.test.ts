// The release before and today's program against each other, as real processes: agents, commands and state directories
// in both directions. The release's program lies compressed in releases/, so that a shallow clone can run this.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import { beforeAll, describe, expect, it } from "vitest"
import { lastJson, type Running, Workplace, root } from "./harness.ts"

const version = readdirSync(join(root, "releases"))
  .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
  .sort()
  .at(-1)!

/** Beside today's program: it finds DuckDB and the page's runtime as that one does. */
const folder = join(root, "packages/cli/dist", "released")
const released = join(folder, `sweep-${version}.mjs`)

beforeAll(() => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(released, brotliDecompressSync(readFileSync(join(root, "releases", version, "sweep.mjs.br"))))
  copyFileSync(join(root, "packages/cli/dist/report-runtime.js"), join(folder, "report-runtime.js"))
})

/** A trial of this takes as long as a process start. */
const trainer = `
import json, os
lines = [
    {"type": "metrics", "step": 1, "values": {"loss": 1}},
    {"type": "metrics", "step": 2, "values": {"loss": 0.5}},
    {"type": "finished", "step": 2, "values": {"loss": 0.5}, "interrupted": False},
]
with open(os.environ["SWEEP_EVENTS"], "a") as events:
    for seq, line in enumerate(lines, 1):
        events.write(json.dumps({"seq": seq, "at": "2026-01-01T00:00:00Z", **line}) + "\\n")
`
const sweepFile = (program: string) => `
name: quick
trainer: command
command: [python3, ${JSON.stringify(program)}]
metric: {name: loss, goal: minimize}
method: grid
parameters: {x: {values: [1, 2]}}
`

class Pair {
  readonly work = new Workplace()
  readonly file = this.work.write("quick.yaml", sweepFile(this.work.write("trainer.py", trainer)))

  old(args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Running {
    return this.work.startProgram(released, args, env)
  }

  async coordinator(start: (args: ReadonlyArray<string>) => Running): Promise<string> {
    const [, address] = await start(["serve", "--port", "0"]).until(/--coordinator (\S+:\d+)/)
    return address!
  }

  agentArguments(address: string, id: string): ReadonlyArray<string> {
    const directory = join(this.work.directory, id)
    return ["agent", "--coordinator", address, "--slots", "1", "--allow-commands", "--id", id, "--directory", directory]
  }
}

const ended = async (running: Running) => {
  running.process.stdin!.end()
  return await running.done
}

describe(`release ${version}`, () => {
  it("lends its agents to today's coordinator, which refuses its commands with a sentence", async () => {
    const pair = new Pair()
    const address = await pair.coordinator((args) => pair.work.start(args))
    await pair.old(pair.agentArguments(address, "old")).until(/connected/i)
    const run = await pair.work.run(["run", pair.file, "--coordinator", address, "--json"])
    expect(run, run.stderr).toMatchObject({ code: 0 })
    expect(lastJson(run.stdout)).toMatchObject({
      status: "finished",
      trials: { completed: 2 },
      best: { objective: 0.5 },
    })
    for (const command of [["ls"], ["show", "quick"]]) {
      const done = await ended(pair.old([...command, "--coordinator", address, "--json"]))
      expect(done.code, command.join(" ")).not.toBe(0)
      expect(done.stderr).toMatch(
        /this command speaks version 1 of the protocol, the coordinator 2: upgrade the command/,
      )
    }
  })

  it("is refused by name where today's agent comes to its coordinator, and serves today's commands", async () => {
    const pair = new Pair()
    const address = await pair.coordinator((args) => pair.old(args))
    const agent = await ended(pair.work.start(pair.agentArguments(address, "new")))
    expect(agent.code).toBe(69)
    expect(agent.stderr).toMatch(/speaks version \d+ of the protocol, the coordinator \d+: upgrade the coordinator/)
    await pair.old(pair.agentArguments(address, "old")).until(/connected/i)
    const run = await pair.work.run(["run", pair.file, "--coordinator", address, "--json"])
    expect(run, run.stderr).toMatchObject({ code: 0 })
    expect(lastJson(run.stdout)).toMatchObject({ status: "finished", trials: { completed: 2 } })
  })

  it("leaves a state directory that today's program opens, and refuses today's with a sentence", async () => {
    const pair = new Pair()
    const address = await pair.coordinator((args) => pair.old(args))
    await pair.old(pair.agentArguments(address, "old")).until(/connected/i)
    const run = await ended(pair.old(["run", pair.file, "--coordinator", address, "--json"]))
    expect(run, run.stderr).toMatchObject({ code: 0 })
    await pair.work.endAll()
    const best = await pair.work.run(["best", "quick", "--json"])
    expect(best, best.stderr).toMatchObject({ code: 0 })
    expect(lastJson(best.stdout)).toMatchObject({ objective: 0.5 })
    const back = await ended(pair.old(["ls"]))
    expect(back).toMatchObject({ code: 74 })
    expect(back.stderr).toMatch(
      /was written by a newer sweep \(its schema is version \d+, this sweep knows \d+\); update sweep/,
    )
    expect(back.stderr).not.toMatch(/\n\s+at /)
  })
})
