// A host that is taken away half a minute after SIGTERM, as a spot machine or a Slurm job is.
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, Workplace } from "./harness.ts"

/**
 * Trains a step every 100 ms up to 40; SIGTERM saves a checkpoint, from which another attempt resumes. The first attempt
 * waits at step 20 for its SIGTERM, so that it is still there however long the second agent takes to start.
 */
const trainer = `
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
let seq = 0
const write = (event) =>
  appendFileSync("events.jsonl", JSON.stringify({ seq: ++seq, at: new Date().toISOString(), ...event }) + "\\n")
const kept = existsSync("checkpoints") ? readdirSync("checkpoints").filter((name) => name.startsWith("step-")) : []
const resumed = kept.length > 0
let step = Math.max(0, ...kept.map((name) => Number(name.slice(5))))
write({ type: "started", pid: process.pid, warm: false, versions: {}, device: "cpu", total_steps: 40 })
write({ type: "sample", probe: 0, prompt: "from", answer: String(step) })
process.on("SIGTERM", () => {
  mkdirSync("checkpoints/step-" + step, { recursive: true })
  writeFileSync("checkpoints/step-" + step + "/state", "x".repeat(100_000))
  writeFileSync("checkpoints/step-" + step + "/manifest.json", "{}")
  process.exit(143)
})
const timer = setInterval(() => {
  if (!resumed && step === 20) return
  write({ type: "metrics", step: ++step, values: { loss: 1 / step } })
  if (step < 40) return
  clearInterval(timer)
  write({ type: "finished", step, values: { loss: 1 / step }, interrupted: false })
}, 100)
`

describe("an agent whose host is taken away", () => {
  it(
    "saves a checkpoint, hands it over and gives the trial back, which continues elsewhere at once",
    { timeout: 120_000 },
    async () => {
      const place = new Workplace()
      const { address } = await place.serve()
      const at = ["--coordinator", address]
      const release = ["--on-term", "release", "--notice", "30s"]
      const spot = await place.agent(address, "spot", ["--allow-commands", "--slots", "1", ...release])
      place.write("trainer.mjs", trainer)
      const file = place.write(
        "sweep.yaml",
        `
name: spot
trainer: command
command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(place.directory, "trainer.mjs"))}]
metric: {name: loss, goal: minimize}
method: grid
parameters: {x: {values: [1]}}
`,
      )
      const run = place.start(["run", file, ...at, "--json"])
      const points = async () =>
        lastJson((await place.run(["query", "SELECT count(*) AS n FROM metrics", ...at, "--json"])).stdout)[0].n
      while ((await points()) < 5) await new Promise((resolve) => setTimeout(resolve, 50))
      await place.agent(address, "other", ["--allow-commands", "--slots", "1"])
      spot.kill("SIGTERM")
      const left = await spot.done
      // It left by itself, before anybody had to kill it.
      expect(left.code, left.stderr).not.toBeNull()

      const { code, stderr } = await run.done
      expect(code, stderr).toBe(0)
      const [trial] = lastJson((await place.run(["trials", "spot", ...at, "--json"])).stdout)
      expect(trial).toMatchObject({ state: "completed", attempt: 2, agent: "other" })
      const steps =
        "SELECT attempt, min(step) AS first, max(step) AS last FROM metrics GROUP BY attempt ORDER BY attempt"
      const [first, second] = lastJson((await place.run(["query", steps, ...at, "--json"])).stdout)
      expect(first.first).toBe(1)
      // From the checkpoint, not from the start: no step is lost and none is made twice.
      expect(second).toEqual({ attempt: 2, first: first.last + 1, last: 40 })
    },
  )
})
