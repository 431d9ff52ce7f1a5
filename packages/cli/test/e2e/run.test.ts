import { existsSync, readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, smallSweep, Workplace } from "./harness.ts"

describe("a sweep on one machine, with the real trainer", () => {
  it("runs to a report, and every reading command knows of it", { timeout: 600_000 }, async () => {
    const place = new Workplace()
    const file = place.write("small.yaml", smallSweep())
    const run = await place.run(["run", file, "--json", "--slots", "1"])
    expect(run.code, run.stderr).toBe(0)
    const result = lastJson(run.stdout)
    expect(result).toMatchObject({ sweep: "small", trials: { completed: 2 } })
    expect(result.best.parameters.rank).toBeOneOf([2, 4])
    expect(result.best.objective).toBeGreaterThan(0)
    expect(Object.values<number>(result.verdicts).reduce((a, b) => a + b, 0)).toBe(2)
    expect(readFileSync(result.report, "utf8")).toContain("<!doctype html>")

    expect(lastJson((await place.run(["ls", "--json"])).stdout)[0]).toMatchObject({
      sweep: "small",
      status: "finished",
    })
    const trials = lastJson((await place.run(["trials", "small", "--json"])).stdout)
    expect(trials).toHaveLength(2)
    expect(trials.map((t: any) => t.objective).sort()[0]).toBe(result.best.objective)
    expect((await place.run(["show", "small"])).stdout).toContain("best: #")
    expect((await place.run(["best", "small", "--yaml"])).stdout).toMatch(/^ {2}rank: [24]$/m)

    // The same runs once more: nothing is trained, and every place says so.
    const again = place.write("again.yaml", `${smallSweep({ name: "again" })}reuse: true\n`)
    const reused = await place.run(["run", again, "--json", "--slots", "1"])
    expect(reused.code, reused.stderr).toBe(0)
    expect(reused.stderr).toMatch(/#1 is the same run as small\/\d: eval\/loss .*, reused/)
    expect(lastJson(reused.stdout).best.objective).toBe(result.best.objective)
    expect((await place.run(["show", "again"])).stdout).toMatch(/#1 is the result of small\/1/)
    expect(readFileSync(lastJson(reused.stdout).report, "utf8")).toContain("reused from small/2")

    const pulled = await place.run(["pull", "again", "--to", "adapter"])
    expect(pulled.code, pulled.stderr).toBe(0)
    expect(pulled.stderr).toContain(`the adapter of small/${result.best.trial}`)
    expect(readdirSync(join(place.directory, "adapter"))).toContain("adapter_config.json")

    // The model answers, and can be handed on.
    const talk = place.start(["chat", "again", "--beside", "base", "--max-tokens", "8"])
    talk.process.stdin!.end("Where is Emma's home?\n")
    const talked = await talk.done
    expect(talked.code, talked.stderr).toBe(0)
    expect(talked.stdout).toMatch(/^again\/\d: .+\nbase: .+\n$/)
    const merged = await place.run(["export", "again", "--merged", "model"])
    expect(merged.code, merged.stderr).toBe(0)
    expect(readdirSync(join(place.directory, "model"))).toEqual(
      expect.arrayContaining(["README.md", "config.json", "model.safetensors", "tokenizer.json"]),
    )
    const card = readFileSync(join(place.directory, "model", "README.md"), "utf8")
    expect(card).toContain(`| eval/loss | ${result.best.objective} |`)
    expect(card).not.toContain(place.directory)

    const counted = lastJson(
      (
        await place.run([
          "query",
          "SELECT count(*) AS n, count(DISTINCT trial) AS trials FROM metrics WHERE metric = 'eval/loss'",
          "--json",
        ])
      ).stdout,
    )
    // Before training, and three times in the one epoch.
    expect(counted).toEqual([{ n: 8, trials: 2 }])

    const exported = await place.run(["export", "small", "--parquet", "out"])
    expect(exported.code, exported.stderr).toBe(0)
    expect(readdirSync(join(place.directory, "out")).sort()).toEqual(
      expect.arrayContaining(["metrics.parquet", "trials.parquet"]),
    )

    const report = await place.run(["report", "small", "-o", "mine.html"])
    expect(report.code, report.stderr).toBe(0)
    expect(existsSync(join(place.directory, "mine.html"))).toBe(true)
    expect((await place.run(["logs", "small/1", "--stderr"])).code).toBe(0)

    const kept = lastJson((await place.run(["artifacts", "small", "--json"])).stdout)
    expect(kept.files.length).toBeGreaterThan(0)
    const used = await place.run(["rm", "small", "--yes"])
    expect(used.code).toBe(65)
    expect(used.stderr).toContain("results of small are reused by again (2 trials)")
    expect((await place.run(["rm", "again", "--yes"])).stdout).toBe(
      "again: removed 2 trials, 0 metric points, 0 files (0 B)\n",
    )
    const removed = await place.run(["rm", "small", "--yes", "--json"])
    expect(removed.code, removed.stderr).toBe(0)
    const { files, bytes } = { files: kept.files.length, bytes: kept.bytes }
    expect(lastJson(removed.stdout)).toMatchObject({ removed: "small", trials: 2, files, bytes })
    expect(existsSync(join(place.home, "artifacts/small"))).toBe(false)
    expect((await place.run(["show", "small"])).stderr).toContain("there is no sweep named small; it was removed")
    expect(lastJson((await place.run(["query", "SELECT count(*) AS n FROM metrics", "--json"])).stdout)).toEqual([
      { n: 0 },
    ])
  })

  it("gives the same objectives again with the same seed", { timeout: 600_000 }, async () => {
    const objectives = async () => {
      const place = new Workplace()
      const run = await place.run(["run", place.write("small.yaml", smallSweep()), "--json", "--slots", "1"])
      expect(run.code, run.stderr).toBe(0)
      return lastJson((await place.run(["trials", "small", "--json"])).stdout).map((t: any) => [
        t.trial,
        t.parameters,
        t.objective,
      ])
    }
    expect(await objectives()).toEqual(await objectives())
  })

  it(
    "trains once what trials have in common, and says what that saves and has saved",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const alike = (name: string, epochs: string) =>
        smallSweep({ name, epochs, ranks: "[4]" }).replace(
          "  evals_per_epoch:",
          "  schedule: {value: constant}\n  warmup_ratio: {value: 0}\n  evals_per_epoch:",
        )
      const file = place.write("both.yaml", alike("both", "[2, 1]"))
      const saved = "6 of 18 steps"
      expect((await place.run(["check", file])).stdout).toContain(`1 run resumes from a shorter one: about ${saved}`)
      const both = await place.run(["run", file, "--json", "--slots", "2"])
      expect(both.code, both.stderr).toBe(0)
      expect((await place.run(["show", "both"])).stdout).toContain(`1 resumed from shorter ones: ${saved}`)
      expect(readFileSync(lastJson(both.stdout).report, "utf8")).toContain("resumed from #2 at step 6")

      const apart = await place.run(["run", place.write("apart.yaml", alike("apart", "[2]")), "--json", "--slots", "1"])
      expect(apart.code, apart.stderr).toBe(0)
      const points = async (sweep: string, trial: number) =>
        lastJson(
          (
            await place.run([
              "query",
              `SELECT metric, step, value FROM metrics WHERE sweep = '${sweep}' AND trial = ${trial}
              AND metric != 'train/tokens_per_second' ORDER BY metric, step`,
              "--json",
            ])
          ).stdout,
        )
      expect((await points("apart", 1)).length).toBeGreaterThan(20)
      expect(await points("both", 1)).toEqual(await points("apart", 1))
    },
  )

  it(
    "continues with its sweep when another command ran it, and ended or was killed",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const one = ["--json", "--slots", "1"]
      const file = (name: string, ranks: string) => place.write(`${name}.yaml`, smallSweep({ name, ranks }))
      const first = place.start(["run", file("first", "[2]"), ...one])
      await first.until(/#1 started/)
      const others = ["second", "third"].map((name) => place.start(["run", file(name, "[2, 4]"), ...one]))
      const last = place.start(["run", file("last", "[2]"), ...one, "--detach"])
      expect(await last.done).toMatchObject({ code: 65, stderr: expect.stringContaining("a coordinator that stays") })
      expect((await first.done).code, first.stderr).toBe(0)
      // Whichever continues with both is killed in the middle; the other one is left with all there is to do.
      const runs = await Promise.any(
        others.map((run) => run.until(/has ended; this one continues with it[\s\S]*#2 started/).then(() => run)),
      )
      runs.kill("SIGKILL")
      const left = others.find((run) => run !== runs)!
      const { code, stdout, stderr } = await left.done
      expect(code, stderr).toBe(0)
      expect(lastJson(stdout)).toMatchObject({ status: "finished", trials: { completed: 2 } })
    },
  )

  it("stops cleanly at Ctrl-C and continues with resume", { timeout: 600_000 }, async () => {
    const place = new Workplace()
    const file = place.write("small.yaml", smallSweep({ samples: 320, epochs: "[2]" }))
    const run = place.start(["run", file, "--slots", "1"])
    await run.until(/#1 started/)
    run.kill("SIGINT")
    const interrupted = await run.done
    expect(interrupted.code).toBe(130)
    expect(interrupted.stdout + interrupted.stderr).toContain("sweep resume small")

    const resumed = await place.run(["resume", "small", "--json"])
    expect(resumed.code, resumed.stderr).toBe(0)
    expect(lastJson(resumed.stdout)).toMatchObject({ trials: { completed: 2 } })
  })
})
