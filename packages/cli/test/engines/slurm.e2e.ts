// A sweep on a real Slurm: agents come as jobs, one is preempted, one is killed with its node, and none is left at the end.
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { expect, it, onTestFinished } from "vitest"
import { lastJson, root, Workplace } from "../e2e/harness.ts"
import { SlurmCluster } from "./SlurmCluster.ts"

/** Trains in 60 steps of a fifth of a second, from where its checkpoint left off, and notes every step it trains. */
const program = (steps: string) => `
import json, os, signal, sys, time
from pathlib import Path
number = json.loads(Path("trial.json").read_text())["trial"]
state = Path("checkpoints/step-0/step")
found = sorted(Path("checkpoints").glob("*/step")) if Path("checkpoints").exists() else []
step = int(found[-1].read_text()) if found else 0
seq = 0
def say(**event):
    global seq
    seq += 1
    with open("events.jsonl", "a") as file:
        file.write(json.dumps({"seq": seq, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **event}) + "\\n")
def leave(*_):
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
while step < 60:
    step += 1
    say(type="metrics", step=step, values={"loss": 1 / step})
    with open(${JSON.stringify(steps)}, "a") as file:
        file.write(f"{number} {step}\\n")
    time.sleep(0.2)
say(type="finished", interrupted=False, step=step, values={"loss": 1 / step})
`

it(
  "starts agents as jobs, survives a preemption and a lost node, leaves no job behind",
  { timeout: 1_200_000 },
  async () => {
    const place = new Workplace()
    mkdirSync(join(place.directory, "slurm"))
    const cluster = new SlurmCluster(join(place.directory, "slurm"), 26_800)
    onTestFinished(() => cluster.stop())
    await cluster.start()

    const steps = join(place.directory, "steps.txt")
    place.write("train.py", program(steps))
    const command = [process.execPath, join(root, "packages/cli/dist/sweep.mjs")]
    const settings = place.write(
      "agents.yaml",
      [
        "engine: slurm",
        "partition: gpu",
        "max: 3",
        "notice: 20",
        "idle_exit: 10s",
        `directory: ${place.directory}/jobs`,
        `command: ${JSON.stringify(command)}`,
        "args: [--allow-commands, --slots, '1']",
      ].join("\n"),
    )
    const serving = place.start(["serve", "--port", "0", "--agents", settings], cluster.environment)
    const [, address] = await serving.until(/--coordinator (\S+:\d+)/)

    const file = place.write(
      "sweep.yaml",
      `name: on-slurm\ntrainer: command\ncommand: [python3, ${place.directory}/train.py]\nmetric: {name: loss, goal: minimize}\nmethod: grid\nparameters: {x: {values: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}\n`,
    )
    const sweep = place.start(["run", file, "--coordinator", address!, "--json"], cluster.environment)
    const until = async (what: string, holds: () => Promise<boolean> | boolean) => {
      while (!(await holds())) {
        if (sweep.process.exitCode !== null)
          throw new Error(`ended before ${what}:\n${sweep.stderr}\n${serving.stderr}`)
        await new Promise((done) => setTimeout(done, 500))
      }
    }
    const trials = async (): Promise<ReadonlyArray<any>> => {
      const { code, stdout } = await place.run(["trials", "on-slurm", "--json", "--coordinator", address!])
      // It is not submitted yet.
      return code === 0 ? lastJson(stdout) : []
    }
    const running = () => cluster.ask("squeue", "-h", "--array", "-t", "R", "-o", "%F_%K").split("\n").filter(Boolean)

    await until(
      "three agents train",
      async () => (await trials()).filter(({ state }) => state === "running").length === 3,
    )
    const [preempted, killed] = running()
    // A preemption: the notice goes to the agent, which gives its trial back.
    cluster.ask("scancel", "--signal=TERM", preempted!)
    await until("the preempted agent has left", () => !running().includes(preempted!))
    // Killed without a word: Slurm says so, and nobody waits for the lease of a quarter of an hour.
    cluster.ask("scancel", "--signal=KILL", killed!)

    const done = await sweep.done
    expect(done.code, done.stderr).toBe(0)
    expect(lastJson(done.stdout).trials).toMatchObject({ completed: 9, total: 9 })

    // Nothing is trained by two at a time: every trial has the steps of its last attempt once, in order.
    const trained = Map.groupBy(readFileSync(steps, "utf8").trim().split("\n"), (line) => line.split(" ")[0]!)
    for (const [, lines] of trained)
      expect(lines.slice(-60).map((line) => Number(line.split(" ")[1]))).toEqual(
        Array.from({ length: 60 }, (_, i) => i + 1),
      )
    // Idle agents leave, and nothing asks for others.
    while (cluster.ask("squeue", "-h", "-o", "%i").trim() !== "") await new Promise((wait) => setTimeout(wait, 500))
  },
)
