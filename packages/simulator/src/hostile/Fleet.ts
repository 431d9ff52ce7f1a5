// A coordinator with TLS and tokens, two agents at work and one that measures, each a process of its own, on loopback, in a
// directory that goes with them. Owns starting and ending them, and what the attacks need of it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ClientAccess } from "@sweep/grpc/tls"
import { root } from "../root.ts"

const program = join(root, "packages/cli/dist/sweep.mjs")

const tokens: ReadonlyArray<readonly [name: string, role: string]> = [
  ["gpu1", "agent"],
  ["gpu2", "agent"],
  ["probe", "agent"],
  ["evil", "agent"],
  ["me", "submit"],
  ["mallory", "submit"],
  ["eve", "read"],
  ["former", "read"],
]

export class Fleet {
  readonly directory = mkdtempSync(join(tmpdir(), "sweep-hostile-"))
  readonly #home = join(this.directory, "state")
  readonly #processes = new Map<string, ChildProcess>()
  readonly #output = new Map<string, string>()
  port = 0

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Runs a command of the owner's to its end. Throws with what it said when it fails. */
  run(...args: ReadonlyArray<string>): string {
    const done = spawnSync(process.execPath, [program, ...args], {
      cwd: this.directory,
      env: { ...process.env, SWEEP_HOME: this.#home },
      encoding: "utf8",
    })
    if (done.status !== 0) throw new Error(`sweep ${args.join(" ")}: ${done.stderr}${done.stdout}`)
    return done.stdout
  }

  accessFile(name: string): string {
    return join(this.#home, "access", `${name}.json`)
  }
  access = (name: string): ClientAccess => JSON.parse(readFileSync(this.accessFile(name), "utf8")) as ClientAccess

  async start(): Promise<void> {
    this.run("certs")
    for (const [name, role] of tokens) this.run("tokens", "create", name, "--role", role)
    this.run("tokens", "revoke", "former")
    this.#spawn("coordinator", [program, "serve", "--port", "0", "--tls"], this.#home)
    this.port = Number((await this.#until("coordinator", /on 127\.0\.0\.1:(\d+)/))[1])
    for (const id of ["gpu1", "gpu2"]) {
      const home = join(this.directory, id)
      const joined = ["--coordinator", this.address, "--access", this.accessFile(id)]
      this.#spawn(id, [program, "agent", ...joined, "--slots", "2", "--allow-commands"], home)
    }
    for (const id of ["gpu1", "gpu2"]) await this.#until(id, /connected to the coordinator/)
  }

  /** Submits a sweep of the fleet's trainer; its id is its name. */
  submit(name: string, trials: number, steps: number): void {
    const file = join(this.directory, `${name}.yaml`)
    const trainer = JSON.stringify(join(import.meta.dirname, "fleetTrainer.ts"))
    writeFileSync(
      file,
      `name: ${name}\ntrainer: command\ncommand: [${JSON.stringify(process.execPath)}, ${trainer}]\n` +
        "metric: {name: loss, goal: minimize}\nmethod: grid\nparameters:\n" +
        `  x: {values: [${Array.from({ length: trials }, (_, i) => i + 1).join(", ")}]}\n  steps: ${steps}\n`,
    )
    this.run("run", file, "--coordinator", this.address, "--access", this.accessFile("me"), "--detach")
  }

  async startProbe(): Promise<void> {
    const argv = [join(import.meta.dirname, "probe.ts"), this.address, this.accessFile("probe")]
    this.#spawn("probe", argv, this.#home)
    await this.#until("probe", /probing/)
  }

  /** Milliseconds from an end to its confirmation, of every trial that the probe has reported. */
  async probed(): Promise<ReadonlyArray<number>> {
    const child = this.#processes.get("probe")!
    child.stdin!.end()
    if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve))
    const found = /\[[\d.,e-]*\]$/.exec(this.#output.get("probe") ?? "")
    if (found === null) throw new Error(`the probe said: ${this.#output.get("probe")}`)
    return JSON.parse(found[0]) as ReadonlyArray<number>
  }

  isRunning(name: string): boolean {
    return this.#processes.get(name)?.exitCode === null
  }

  /** The end of what a process said. */
  lastWords(name: string): string {
    return (this.#output.get(name) ?? "").trim().split("\n").slice(-5).join("\n")
  }

  async end(): Promise<void> {
    for (const [name, child] of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const gone = new Promise((resolve) => child.once("exit", resolve))
      // Twice: an agent that is asked once waits for its trials.
      child.kill("SIGTERM")
      if (name !== "coordinator") child.kill("SIGTERM")
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000)
      await gone
      clearTimeout(late)
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  #spawn(name: string, argv: ReadonlyArray<string>, home: string): void {
    const child = spawn(process.execPath, argv, {
      cwd: this.directory,
      env: { ...process.env, SWEEP_HOME: home, OMP_NUM_THREADS: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    })
    this.#processes.set(name, child)
    this.#output.set(name, "")
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) =>
        this.#output.set(name, `${this.#output.get(name)}${String(chunk)}`.slice(-1_000_000)),
      )
    }
  }

  async #until(name: string, pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#output.get(name) ?? "")
      if (found !== null) return found
      if (!this.isRunning(name)) throw new Error(`${name} ended: ${this.lastWords(name)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
