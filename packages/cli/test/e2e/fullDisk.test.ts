import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, Workplace } from "./harness.ts"

/** Runs a command with an empty file system of that size over a directory, which only the command sees. */
const withDisk = (directory: string, size: string): ReadonlyArray<string> => [
  "unshare",
  "--user",
  "--map-root-user",
  "--mount",
  "sh",
  "-c",
  `mount -t tmpfs -o size=${size} tmpfs "$0" && exec "$@"`,
  directory,
]

const canMount = (): boolean => {
  const [command, ...args] = [...withDisk("/mnt", "1m"), "true"]
  return spawnSync(command!, args).status === 0
}

/** Reports ten steps, then saves a checkpoint of 300 MiB, then comes to its end. */
const trainer = `
import { appendFileSync, mkdirSync, openSync, writeSync } from "node:fs"
let seq = 0
const write = (event) =>
  appendFileSync("events.jsonl", JSON.stringify({ seq: ++seq, at: new Date().toISOString(), ...event }) + "\\n")
write({ type: "started", pid: process.pid, warm: false, versions: {}, device: "cpu", total_steps: 10 })
for (let step = 1; step <= 10; step++) write({ type: "metrics", step, values: { loss: 1 / step } })
mkdirSync("checkpoints", { recursive: true })
const file = openSync("checkpoints/state", "w")
for (let written = 0; written < 300 * 2 ** 20; ) written += writeSync(file, Buffer.alloc(2 ** 20))
write({ type: "finished", step: 10, values: { loss: 0.1 }, interrupted: false })
`

describe("an agent's disk that runs full", () => {
  it.skipIf(!canMount())(
    "costs the trial no retry: it completes on another host, and this one says why it takes no more",
    { timeout: 120_000 },
    async () => {
      const place = new Workplace()
      const { address } = await place.serve()
      const at = ["--coordinator", address]
      const joins = (id: string, under?: ReadonlyArray<string>) =>
        place.agent(address, id, ["--allow-commands", "--slots", "1"], under)
      mkdirSync(join(place.directory, "small"))
      const small = await joins("small", withDisk(join(place.directory, "small"), "280m"))
      place.write("trainer.mjs", trainer)
      const file = place.write(
        "sweep.yaml",
        `
name: full
trainer: command
command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(place.directory, "trainer.mjs"))}]
metric: {name: loss, goal: minimize}
method: grid
parameters: {x: {values: [1]}}
`,
      )
      const run = place.start(["run", file, ...at, "--json"])
      await small.until(
        /slot 0 is not offered: only \d+ MiB are free on the disk of .*, and an attempt that had \d+ filled it/,
      )
      await joins("large")

      const { code, stdout, stderr } = await run.done
      expect(code, stderr).toBe(0)
      expect(lastJson(stdout)).toMatchObject({ trials: { completed: 1 } })
      const [trial] = lastJson((await place.run(["trials", "full", ...at, "--json"])).stdout)
      expect(trial).toMatchObject({ state: "completed", attempt: 2, agent: "large" })
      const query = "SELECT attempt, count(*) AS n FROM metrics GROUP BY attempt ORDER BY attempt"
      expect(small.stderr + small.stdout).toMatch(/full\/1 .*released: the disk of the agent's host is full/)
      const points = lastJson((await place.run(["query", query, ...at, "--json"])).stdout)
      // What the first attempt had reported was whole, though its trainer could not write a word of why it ended.
      expect(points).toEqual([
        { attempt: 1, n: 10 },
        { attempt: 2, n: 10 },
      ])
    },
  )
})
