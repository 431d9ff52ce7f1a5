// What another tool recorded becomes a sweep one can look at, report and learn from.
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, Workplace } from "./harness.ts"

describe("import", () => {
  it("makes a sweep of a LLaMA-Factory output", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    for (const [i, best] of [0.9, 0.7, 0.8].entries()) {
      mkdirSync(join(place.directory, `saves/run${i}`), { recursive: true })
      const losses = [1.2, best, best + 0.1, best + 0.2, best + 0.3, best + 0.5]
      const log = losses.flatMap((loss, n) => [
        { loss: 1.5 / (n + 1), epoch: n, step: 10 * n + 9 },
        { eval_loss: loss, epoch: n + 1, step: 10 * (n + 1) },
      ])
      place.write(`saves/run${i}/trainer_state.json`, JSON.stringify({ log_history: log, num_train_epochs: 6 }))
      place.write(`saves/run${i}/adapter_config.json`, JSON.stringify({ r: 4 * (i + 1), lora_alpha: 16 }))
    }
    const done = await place.run(["import", "saves", "--name", "old", "--json"])
    expect(done.code, done.stderr).toBe(0)
    expect(lastJson(done.stdout)).toMatchObject({ sweep: "old", trials: 3, failed: 0, metric: "eval/loss" })
    const trials = lastJson((await place.run(["trials", "old", "--json"])).stdout)
    expect(trials.map(({ parameters, objective }: any) => [parameters.rank, objective])).toEqual([
      [4, 0.9],
      [8, 0.7],
      [12, 0.8],
    ])
    expect(JSON.stringify(trials)).toMatch(/overfitting/)
    expect((await place.run(["report", "old", "-o", "old.html"])).code).toBe(0)
    expect(readFileSync(join(place.directory, "old.html"), "utf8")).toContain("transformers")
    expect((await place.run(["export", "old", "--csv", "tables"])).code).toBe(0)
    const table = readFileSync(join(place.directory, "tables/trials.csv"), "utf8").split("\n")
    expect(table[0]).toMatch(/^trial,state,objective,seed,attempts,.*parameter\.rank/)
    expect(table[2]).toMatch(/^2,completed,0\.7,/)
    const metrics = readFileSync(join(place.directory, "tables/metrics.csv"), "utf8")
    expect(metrics).toContain("2,eval/loss,20,0.7\n")
    // What was written for TensorBoard is read again.
    expect((await place.run(["export", "old", "--tensorboard", "boards"])).code).toBe(0)
    expect((await place.run(["import", "boards", "--json"])).code).toBe(0)
    const again = lastJson((await place.run(["trials", "boards", "--json"])).stdout)
    expect(again.map(({ objective }: any) => objective)).toEqual([0.9, 0.7, 0.8].map((best) => Math.fround(best)))
    place.write(
      "next.yaml",
      "trainer: external\nmetric: eval/loss\nmethod: tpe\nparameters: {rank: {min: 2, max: 16}, alpha: 16, epochs: 6}\nbudget: {trials: 2}\nwarm_start: old\n",
    )
    expect((await place.run(["run", "next.yaml"])).code).toBe(0)
    expect((await place.run(["show", "next"])).stdout).toMatch(/3 results|old/)
  })

  it("says what is wrong", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("trainer_state.json", JSON.stringify({ log_history: [{ eval_loss: 1, step: 1 }] }))
    for (const [args, pattern] of [
      [["import", "nowhere"], /no such file or folder/],
      [["import", "eval.json"], /cannot be read|nothing that can be imported/],
      [
        ["import", "trainer_state.json", "--metric", "eval_loss"],
        /no trial reported `eval_loss`; there are eval\/loss/,
      ],
    ] as const) {
      const { code, stderr } = await place.run(args)
      expect(code, args.join(" ")).toBe(65)
      expect(stderr).toMatch(pattern)
      expect(stderr).not.toMatch(/Traceback|\n\s+at /)
    }
  })
})
