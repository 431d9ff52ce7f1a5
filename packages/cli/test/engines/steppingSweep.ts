// The sweep that engines are tested with: trials of 60 steps that note every step they train, so that what is trained twice
// at a time, or not to the end, is seen afterwards.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"
import { lastJson, type Running, type Workplace } from "../e2e/harness.ts"

const totalSteps = 60

/** Trains in 60 steps of a fifth of a second, and notes every step it trains. */
const program = (steps: string) => `
import json, signal, sys, time
from pathlib import Path
number = json.loads(Path("trial.json").read_text())["trial"]
step = seq = 0
def say(**event):
    global seq
    seq += 1
    with open("events.jsonl", "a") as file:
        file.write(json.dumps({"seq": seq, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **event}) + "\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
while step < ${totalSteps}:
    step += 1
    say(type="metrics", step=step, values={"loss": 1 / step})
    with open(${JSON.stringify(steps)}, "a") as file:
        file.write(f"{number} {step}\\n")
    time.sleep(0.2)
say(type="finished", interrupted=False, step=step, values={"loss": 1 / step})
`

export class SteppingSweep {
  readonly name: string
  readonly #place: Workplace
  readonly #trials: number
  readonly #steps: string
  readonly #file: string
  #address = ""
  #running: Running | undefined

  constructor(place: Workplace, name: string, trials: number) {
    this.name = name
    this.#place = place
    this.#trials = trials
    this.#steps = join(place.directory, "steps.txt")
    const train = place.write("train.py", program(this.#steps))
    const values = Array.from({ length: trials }, (_, i) => i + 1).join(", ")
    this.#file = place.write(
      "sweep.yaml",
      `name: ${name}\ntrainer: command\ncommand: [python3, ${train}]\nmetric: {name: loss, goal: minimize}\nmethod: grid\nparameters: {x: {values: [${values}]}}\n`,
    )
  }

  start(address: string, environment: NodeJS.ProcessEnv = {}): void {
    this.#address = address
    this.#running = this.#place.start(["run", this.#file, "--coordinator", address, "--json"], environment)
  }

  async trials(): Promise<ReadonlyArray<any>> {
    const { code, stdout } = await this.#place.run(["trials", this.name, "--json", "--coordinator", this.#address])
    // It is not submitted yet.
    return code === 0 ? lastJson(stdout) : []
  }

  async runningOn(): Promise<ReadonlyArray<string>> {
    return (await this.trials()).filter(({ state }) => state === "running").map(({ agent }) => agent)
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) {
      if (this.#running!.process.exitCode !== null) throw new Error(`ended before ${what}:\n${this.#running!.stderr}`)
      await new Promise((done) => setTimeout(done, 500))
    }
  }

  /** All trials complete, and each has the steps of its last attempt once, in order: no two trained it at a time. */
  async expectComplete(): Promise<void> {
    const done = await this.#running!.done
    expect(done.code, done.stderr).toBe(0)
    expect(lastJson(done.stdout).trials).toMatchObject({ completed: this.#trials, total: this.#trials })
    const lines = readFileSync(this.#steps, "utf8").trim().split("\n")
    const trained = Map.groupBy(lines, (line) => line.split(" ")[0]!)
    const all = Array.from({ length: totalSteps }, (_, i) => i + 1)
    expect(trained.size).toBe(this.#trials)
    for (const own of trained.values()) {
      expect(own.slice(-totalSteps).map((line) => Number(line.split(" ")[1]))).toEqual(all)
    }
  }
}
