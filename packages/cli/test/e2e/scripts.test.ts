// Programs of users under a sweep, as they are: what they log is recorded, how they end decides, and nothing of the
// environment's secrets gets out.
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, root, Workplace } from "./harness.ts"

const python = join(root, ".venv/bin/python")
const path = `${dirname(python)}:${process.env["PATH"]}`

const wandbScript = `
import argparse, os, sys
import wandb

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1.0)
parser.add_argument("--layers", type=int, default=1)
args = parser.parse_args()
run = wandb.init(project="demo", config=vars(args))
assert wandb.config.lr == args.lr < 1
assert "HF_OTHER_TOKEN" not in os.environ
print("the token is", os.environ["HF_TOKEN"])
print("and on stderr", os.environ["WANDB_API_KEY"], file=sys.stderr)
for epoch in range(4):
    wandb.log({"epoch": epoch, "val": {"loss": (args.lr - 0.01) ** 2 + 1 / (epoch + 1)}})
wandb.summary[os.environ["HF_TOKEN"]] = 1
`

describe("scripts under a sweep", () => {
  it("records what an unchanged W&B script logs, and no secret", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("train.py", wandbScript)
    place.write(
      "sweep.yaml",
      `
program: train.py
method: random
metric: {name: val.loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 0.001, max: 0.1}
  layers: {values: [1, 2]}
secrets: [HF_TOKEN, WANDB_API_KEY]
run_cap: 2
`,
    )
    const token = "hf_0123456789abcdefghij"
    const key = "local-0123456789abcdef0123456789abcdef01234567"
    const env = { PATH: path, HF_TOKEN: token, WANDB_API_KEY: key, HF_OTHER_TOKEN: "hf_another_0123456789" }
    const run = await place.run(["run", "sweep.yaml", "--json", "--slots", "1"], env)
    expect(run.code, run.stderr).toBe(0)
    const result = lastJson(run.stdout)
    expect(result).toMatchObject({ trials: { completed: 2 } })
    expect(result.best.objective).toBeGreaterThan(0.25)
    const points = lastJson(
      (
        await place.run([
          "query",
          "SELECT step, value FROM metrics WHERE trial = 1 AND metric = 'epoch' ORDER BY step",
          "--json",
        ])
      ).stdout,
    )
    expect(points.map(({ step }: any) => step)).toEqual([0, 1, 2, 3])
    const logs = await place.run(["logs", "sweep/1"])
    expect(logs.stdout).toContain("the token is [redacted]")
    const everything = await place.run(["query", "SELECT DISTINCT metric FROM metrics", "--json"])
    const seen = [run, logs, everything].map(({ stdout, stderr }) => stdout + stderr).join("\n")
    for (const text of [
      seen,
      readFileSync(result.report, "utf8"),
      readFileSync(join(place.home, "agent.log"), "utf8"),
    ]) {
      expect(text).not.toContain(token)
      expect(text).not.toContain(key)
    }
  })

  it("fails a program once that reports nothing, and says how to report", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("train.py", "import wandb\nwandb.init()\nwandb.log({'valloss': 1})\n")
    place.write(
      "sweep.yaml",
      "program: train.py\nmethod: grid\nmetric: {name: val_loss}\nparameters: {lr: {values: [1]}}\n",
    )
    const run = await place.run(["run", "sweep.yaml", "--json", "--slots", "1"], { PATH: path })
    expect(lastJson(run.stdout)).toMatchObject({ trials: { failed: 1 } })
    const [trial] = lastJson((await place.run(["trials", "sweep", "--json"])).stdout)
    expect(trial.attempt ?? trial.attempts).toBe(1)
    expect(JSON.stringify(trial)).toMatch(/unreported.*Did you mean `valloss`.*docs\/scripts\.md/)
  })

  it("stops a script where a rule says so, through the SDK", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write(
      "own.py",
      `
import sweep, time
run = sweep.init()
for step in range(1, 400):
    run.log({"loss": run.config.level + 1 / step}, step=step)
    if run.obey(step):
        break
    time.sleep(0.01 if run.config.level else 0)
`,
    )
    place.write(
      "sweep.yaml",
      `
program: own.py
method: grid
metric: {name: loss, goal: minimize}
parameters: {level: {values: [0, 5]}}
early_terminate: {type: threshold, min_resource: 20, upper: 4}
`,
    )
    const run = await place.run(["run", "sweep.yaml", "--json", "--slots", "1"], { PATH: path })
    expect(run.code, run.stderr).toBe(0)
    expect(lastJson(run.stdout)).toMatchObject({ trials: { completed: 1, stopped: 1 }, best: { objective: 1 / 399 } })
  })

  it("reads what a binary prints, in the folder it was called from", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("target.txt", "3\n")
    place.write(
      "parabola.awk",
      'BEGIN { getline t < "target.txt"; split(ARGV[1], a, "="); print "loss: " (a[2] - t) ^ 2 }\n',
    )
    place.write(
      "sweep.yaml",
      `
program: parabola.awk
command: [awk, -f, "\${program}", "\${args_no_hyphens}"]
method: grid
metric: {name: loss, goal: minimize}
parameters: {x: {values: [1, 3]}}
metrics_from: {stdout: "loss: (?P<loss>[-+.\\\\deE]+)"}
`,
    )
    const run = await place.run(["run", "sweep.yaml", "--json", "--slots", "1"])
    expect(run.code, run.stderr).toBe(0)
    expect(lastJson(run.stdout)).toMatchObject({
      trials: { completed: 2 },
      best: { objective: 0, parameters: { x: 3 } },
    })
  })

  it("runs the example of sweeps/", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    const run = await place.run(["run", join(root, "sweeps/script.yaml"), "--json", "--slots", "2"], { PATH: path })
    expect(run.code, run.stderr).toBe(0)
    const { status, trials, best } = lastJson(run.stdout)
    expect({ status, total: trials.total }).toEqual({ status: "finished", total: 16 })
    expect(best.objective).toBeLessThan(0.01)
  })
})
