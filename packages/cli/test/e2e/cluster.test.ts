import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, smallSweep, Workplace, type Running } from "./harness.ts"

// The promises on time, shortened so that a death is noticed within seconds.
const timings = { SWEEP_HEARTBEAT: "0.5", SWEEP_SUSPECT: "2", SWEEP_LEASE: "4", SWEEP_GRACE: "2", SWEEP_MARGIN: "1" }

const trialsOf = async (place: Workplace, address: string) =>
  lastJson((await place.run(["trials", "small", "--coordinator", address, "--json"])).stdout) as Array<any>

const pointsOf = async (place: Workplace, address: string) =>
  lastJson(
    (await place.run(["query", "SELECT count(*) AS n FROM metrics", "--coordinator", address, "--json"])).stdout,
  )[0].n as number

describe("a coordinator and two agents", () => {
  it(
    "share the trials; the trial of an agent that is killed completes on the other",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const { address } = await place.serve(timings)
      const agents: Record<string, Running> = {
        one: await place.agent(address, "one"),
        two: await place.agent(address, "two"),
      }
      const file = place.write("small.yaml", smallSweep({ samples: 320, ranks: "[2, 4]", rates: "[0.001, 0.003]" }))
      const run = place.start(["run", file, "--coordinator", address, "--json"])
      await run.until(/#\d started[\s\S]*#\d started/)

      const victim = (await trialsOf(place, address)).find(
        (trial) => trial.state === "running" || trial.state === "assigned",
      )
      agents[victim.agent]!.kill("SIGKILL")
      const { code, stdout, stderr } = await run.done
      expect(code, stderr).toBe(0)
      expect(lastJson(stdout)).toMatchObject({ trials: { completed: 4 } })

      const trials = await trialsOf(place, address)
      const rescued = trials.find((trial) => trial.trial === victim.trial)
      expect(rescued).toMatchObject({ state: "completed", attempt: 2 })
      expect(rescued.agent).not.toBe(victim.agent)
      const query = "SELECT count(DISTINCT agent) AS n FROM attempts"
      const byAgent = await place.run(["query", query, "--coordinator", address, "--json"])
      expect(lastJson(byAgent.stdout)).toEqual([{ n: 2 }])
    },
  )

  it(
    "continue when the coordinator is killed and started again, and no acknowledged point is missing",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const first = await place.serve(timings)
      const port = first.address.split(":").at(-1)!
      await place.agent(first.address, "one")
      const file = place.write("small.yaml", smallSweep({ samples: 320, ranks: "[2, 4]", epochs: "[2]" }))
      const submitted = await place.run(["run", file, "--coordinator", first.address, "--detach", "--json"])
      expect(submitted.code, submitted.stderr).toBe(0)

      const watching = place.start(["watch", "small", "--coordinator", first.address])
      let before = 0
      while (before < 20) before = await pointsOf(place, first.address)
      first.coordinator.kill("SIGKILL")
      await first.coordinator.done
      await watching.until(/The coordinator is away/)

      const second = await place.serve(timings, port)
      expect(await pointsOf(place, second.address)).toBeGreaterThanOrEqual(before)
      const copy = await place.run(["backup", "copy.duckdb", "--coordinator", second.address])
      expect(copy.code, copy.stderr).toBe(0)
      // Whoever watched sees it to its end.
      const watched = await watching.done
      expect(watched.code, watched.stderr).toBe(0)
      expect(watched.stdout).toMatch(/The coordinator is back[\s\S]*completed/)
      const trials = await trialsOf(place, second.address)
      // Every trial ran once: the restart cost no attempt.
      expect(trials.map((trial) => [trial.state, trial.attempt])).toEqual([
        ["completed", 1],
        ["completed", 1],
      ])
      const steps = lastJson(
        (
          await place.run([
            "query",
            "SELECT trial, count(*) AS n, count(DISTINCT step) AS steps FROM metrics WHERE metric = 'eval/loss' GROUP BY trial ORDER BY trial",
            "--coordinator",
            second.address,
            "--json",
          ])
        ).stdout,
      )
      // The untouched model, and three evals in each of two epochs; none missing, none twice.
      expect(steps).toEqual([
        { trial: 1, n: 7, steps: 7 },
        { trial: 2, n: 7, steps: 7 },
      ])

      // The copy that was taken in between has the sweep as it was then; under the coordinator it is not put back.
      const under = await place.run(["restore", "copy.duckdb", "--replace"])
      expect(under).toMatchObject({ code: 74, stderr: expect.stringMatching(/a coordinator \(process \d+\) runs/) })
      const elsewhere = { SWEEP_HOME: `${place.directory}/restored` }
      const restored = await place.run(["restore", "copy.duckdb", "--json"], elsewhere)
      expect(restored.code, restored.stderr).toBe(0)
      const then = await place.run(["trials", "small", "--json"], elsewhere)
      expect(lastJson(then.stdout)[0]).toMatchObject({ sweep: "small", trial: 1 })
    },
  )

  it(
    "continue with a paused trial on another host, from the checkpoint the coordinator keeps, and give its adapter out",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const { address } = await place.serve(timings)
      const at = ["--coordinator", address]
      const one = await place.agent(address, "one")
      const file = place.write("small.yaml", smallSweep({ samples: 320, ranks: "[2]", epochs: "[3]" }))
      expect((await place.run(["run", file, ...at, "--detach"])).code).toBe(0)
      while ((await pointsOf(place, address)) < 40) await new Promise((resolve) => setTimeout(resolve, 100))
      expect((await place.run(["pause", "small/1", ...at])).code).toBe(0)
      const kept = async () => lastJson((await place.run(["artifacts", "small/1", ...at, "--json"])).stdout).files
      while (!(await kept()).some(({ path }: any) => path.endsWith("/manifest.json"))) {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      expect((await kept()).every(({ path }: any) => path.startsWith("checkpoints/step-"))).toBe(true)
      one.kill("SIGKILL")
      await one.done

      const two = await place.agent(address, "two")
      expect((await place.run(["resume", "small/1", ...at])).code).toBe(0)
      await two.until(/small\/1 .*resumes from the checkpoint/)
      const watched = await place.run(["watch", "small", ...at])
      expect(watched.code, watched.stderr).toBe(0)
      expect(await trialsOf(place, address)).toMatchObject([{ state: "completed", attempt: 2, agent: "two" }])
      const query = "SELECT count(*) AS n, count(DISTINCT step) AS steps FROM metrics WHERE metric = 'eval/loss'"
      const evals = lastJson((await place.run(["query", query, ...at, "--json"])).stdout)
      // The untouched model and three evals in each of three epochs: nothing was trained twice.
      expect(evals).toEqual([{ n: 10, steps: 10 }])

      while (!(await kept()).some(({ path }: any) => path.endsWith(".safetensors"))) {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const pulled = await place.run(["pull", "small", ...at, "--to", "adapter"])
      expect(pulled.code, pulled.stderr).toBe(0)
      const adapter = (name: string) => readFileSync(join(place.directory, name))
      const made = readdirSync(join(place.directory, "two", "attempts")).map(
        (attempt) => `two/attempts/${attempt}/adapter`,
      )
      for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
        expect(adapter(`adapter/${name}`)).toEqual(adapter(`${made[0]}/${name}`))
      }
      writeFileSync(join(place.directory, "adapter", "adapter_config.json"), "mine")
      const again = await place.run(["pull", "small", ...at, "--to", "adapter"])
      expect([again.code, again.stderr]).toEqual([65, expect.stringMatching(/is there already and is another file/)])
    },
  )
})
