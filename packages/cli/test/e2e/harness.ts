// Starts the real command as real processes in a directory of the test's own, and ends what it started.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

export const root = dirname(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))))
const quickstart = join(root, "sweeps/quickstart")
const program = join(root, "packages/cli/dist/sweep.mjs")

export interface Done {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export class Running {
  readonly process: ChildProcess
  stdout = ""
  stderr = ""
  readonly done: Promise<Done>

  constructor(argv: ReadonlyArray<string>, options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    const [command, ...args] = argv
    this.process = spawn(command!, args, { ...options, stdio: ["pipe", "pipe", "pipe"] })
    this.process.stdout!.on("data", (chunk) => (this.stdout += chunk))
    this.process.stderr!.on("data", (chunk) => (this.stderr += chunk))
    this.done = new Promise((resolve) => {
      this.process.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }))
    })
  }

  kill(signal: NodeJS.Signals): void {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal)
  }

  /** Resolves when the output matches; fails with the output when the process ends before that. */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = `${this.stdout}\n${this.stderr}`.match(pattern)
      if (match !== null) return match
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(
          `ended (${this.process.exitCode ?? this.process.signalCode}) before ${pattern}:\n${this.stdout}\n${this.stderr}`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Trainers outlive an agent that was killed: they are found by where they work. */
const killEverythingIn = (directory: string): void => {
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue
    try {
      if (readlinkSync(`/proc/${name}/cwd`).startsWith(`${directory}/`)) process.kill(Number(name), "SIGKILL")
    } catch {
      // Gone meanwhile, or not ours to look at.
    }
  }
}

/** A directory with a state directory of its own; everything started in it ends with the test. */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), "sweep-e2e-"))
  readonly home = join(this.directory, "state")
  readonly #started: Array<Running> = []

  constructor() {
    // A small eval set: these tests are about what happens around the training.
    const evaluation = JSON.parse(readFileSync(join(quickstart, "eval.json"), "utf8")) as ReadonlyArray<unknown>
    this.write("eval.json", JSON.stringify(evaluation.slice(0, 32)))
    onTestFinished(async () => {
      for (const running of this.#started) running.kill("SIGKILL")
      await Promise.all(this.#started.map((running) => running.done))
      killEverythingIn(this.directory)
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    })
  }

  /** `under`: a command that is given the program and its arguments to run. */
  start(args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}, under: ReadonlyArray<string> = []): Running {
    return this.startProgram(program, args, env, under)
  }

  /** Another build of the program, such as an earlier release. */
  startProgram(
    path: string,
    args: ReadonlyArray<string>,
    env: NodeJS.ProcessEnv = {},
    under: ReadonlyArray<string> = [],
  ): Running {
    const running = new Running([...under, process.execPath, path, ...args], {
      cwd: this.directory,
      env: { ...process.env, NO_COLOR: "1", SWEEP_HOME: this.home, SWEEP_COORDINATOR: "", ...env },
    })
    this.#started.push(running)
    return running
  }

  /** Ends what was started, as Ctrl-C twice would. */
  async endAll(): Promise<void> {
    for (const running of this.#started) running.kill("SIGTERM")
    await Promise.all(this.#started.map((running) => running.done))
  }

  /** Another program, that finds the command in SWEEP_COMMAND. */
  execute(argv: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Done> {
    const running = new Running(argv, {
      cwd: this.directory,
      env: {
        ...process.env,
        SWEEP_HOME: this.home,
        SWEEP_COORDINATOR: "",
        SWEEP_COMMAND: `${process.execPath} ${program}`,
        ...env,
      },
    })
    this.#started.push(running)
    running.process.stdin!.end()
    return running.done
  }

  /** A coordinator on loopback, once it serves. */
  async serve(env: NodeJS.ProcessEnv = {}, port = "0") {
    const coordinator = this.start(["serve", "--port", port], env)
    const [, address] = await coordinator.until(/--coordinator (\S+:\d+)/)
    return { coordinator, address: address! }
  }

  /** An agent with a directory of its own, once it is connected. */
  async agent(
    address: string,
    id: string,
    args: ReadonlyArray<string> = ["--slots", "1"],
    under?: ReadonlyArray<string>,
  ) {
    const own = ["--id", id, "--directory", join(this.directory, id)]
    const running = this.start(["agent", "--coordinator", address, ...own, ...args], {}, under)
    await running.until(/connected/i)
    return running
  }

  run(args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Done> {
    const running = this.start(args, env)
    running.process.stdin!.end()
    return running.done
  }

  write(name: string, text: string): string {
    const path = join(this.directory, name)
    writeFileSync(path, text)
    return path
  }
}

export const lastJson = (stdout: string): any => JSON.parse(stdout.trimEnd().split("\n").at(-1)!)

/** A sweep of real trials, small enough for a test: a few seconds each. */
export const smallSweep = (
  change: {
    readonly name?: string
    readonly samples?: number
    readonly epochs?: string
    readonly ranks?: string
    readonly rates?: string
  } = {},
): string => `
name: ${change.name ?? "small"}
model: ${quickstart}/base-model
data: {train: ${quickstart}/train.json, eval: eval.json}
trainer: peft
metric: {name: eval/loss, goal: minimize}
method: grid
seed: 11
parameters:
  rank: {values: ${change.ranks ?? "[2, 4]"}}
  alpha: {value: 8}
  learning_rate: {values: ${change.rates ?? "[0.002]"}}
  epochs: {values: ${change.epochs ?? "[1]"}}
  max_samples: {value: ${change.samples ?? 96}}
  batch_size: {value: 16}
  evals_per_epoch: {value: 3}
probes:
  - {instruction: "hello", max_new_tokens: 8}
`
