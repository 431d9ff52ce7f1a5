// A real sweep whose coordinator, agents and trainers are killed (SIGKILL) at moments drawn from a seed, again and again,
// until it has come to its end: then its metrics have to be those of the same sweep left in peace. What its trials are is
// one of `soakSweeps`: steps that cost nothing, or real training. Everything runs in a directory of its own, on loopback,
// and ends with it. A trainer is killed at most once per trial: one that dies twice without a word counts as a bug of the
// trial (retry.ts).
import { type ChildProcess, spawn } from "node:child_process"
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { SweepId } from "@sweep/domain/Id"
import { isTerminal } from "@sweep/domain/Trial"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import * as grpcSweepApi from "@sweep/grpc/grpcSweepApi"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { random } from "@sweep/search/Random"
import { root } from "../root.ts"

const program = join(root, "packages/cli/dist/sweep.mjs")
const sweep = SweepId.make("soak")

/** Short, so that a death is noticed in seconds and some leases end. */
const timings = { SWEEP_HEARTBEAT: "0.5", SWEEP_SUSPECT: "2", SWEEP_LEASE: "8", SWEEP_GRACE: "2", SWEEP_MARGIN: "2" }

interface SoakSweep {
  /** How many trials the kills need, so that they are not over before, and each killed trainer is another trial's. */
  readonly trials: (kills: number) => number
  /** Milliseconds from one kill to the next are drawn between these. */
  readonly between: readonly [number, number]
  readonly file: (trials: number) => string
  /** Whether a metric is the same in every run of the same seed. */
  readonly repeats: (metric: string) => boolean
}

const oneTo = (count: number): string => Array.from({ length: count }, (_, i) => i + 1).join(", ")

const soakSweeps = {
  /** 30 steps of a tenth of a second that follow from the parameters alone. */
  command: {
    trials: (kills) => Math.max(8, Math.round(kills * 0.8)),
    between: [300, 2_300],
    repeats: () => true,
    file: (trials) => `
name: soak
trainer: command
command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(import.meta.dirname, "soakTrainer.ts"))}]
metric: {name: loss, goal: minimize}
method: grid
parameters:
  x: {values: [${oneTo(trials)}]}
`,
  },
  /** LoRA of the quick start's model: half a dozen seconds of training a trial, with a checkpoint at each of 10 evaluations. */
  peft: {
    trials: (kills) => Math.max(8, Math.round(kills * 0.3)),
    between: [500, 4_500],
    repeats: (metric) => metric !== "train/tokens_per_second",
    file: (trials) => `
name: soak
model: ${root}/sweeps/quickstart/base-model
data: {train: ${root}/sweeps/quickstart/train.json, eval: ${root}/sweeps/quickstart/eval.json}
trainer: peft
metric: {name: eval/loss, goal: minimize}
method: grid
seed: 7
parameters:
  rank: 8
  alpha: 16
  learning_rate: {values: [${Array.from({ length: trials }, (_, i) => 0.001 + i * 0.00005).join(", ")}]}
  epochs: 10
  dropout: 0.1
  max_samples: 128
  max_length: 96
  batch_size: 16
  evals_per_epoch: 1
  precision: fp32
`,
  },
} satisfies Readonly<Record<string, SoakSweep>>

export type SoakTrainer = keyof typeof soakSweeps
export const isSoakTrainer = (name: string): name is SoakTrainer => name in soakSweeps

export interface SoakOutcome {
  readonly kills: number
  readonly lostPoints: number
  readonly duplicatePoints: number
  readonly orphans: number
  readonly problems: ReadonlyArray<string>
}

const wait = (millis: number) => new Promise<void>((done) => setTimeout(done, millis))

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** What is read of an attempt's agent.json. */
interface AttemptRecord {
  readonly trial: number
  readonly end: object | null
  readonly tree: { readonly pid: number } | null
}

interface FoundTrainer {
  readonly pid: number
  readonly trial: number
}

/** A coordinator and two agents as processes. */
class Deployment {
  readonly directory = mkdtempSync(join(tmpdir(), "sweep-soak-"))
  readonly agents = ["one", "two"] as const
  readonly address: string
  private readonly port: number
  private readonly processes = new Map<string, ChildProcess>()

  constructor(port: number) {
    this.port = port
    this.address = `127.0.0.1:${port}`
  }

  startCoordinator(): void {
    this.start("coordinator", ["serve", "--port", String(this.port)])
  }
  startAgent(id: string): void {
    const directory = join(this.directory, id)
    const options = ["--slots", "2", "--directory", directory, "--allow-commands"]
    this.start(id, ["agent", "--coordinator", this.address, "--id", id, ...options])
  }

  async kill(name: string): Promise<void> {
    const child = this.processes.get(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await gone
  }

  /** The processes below the agents: each works in its agent's directory, or in its attempt's. */
  private below(): ReadonlySet<number> {
    const works = (pid: string): boolean => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${this.directory}/`)
      } catch {
        return false
      }
    }
    return new Set(readdirSync("/proc").flatMap((pid) => (/^[0-9]+$/.test(pid) && works(pid) ? [Number(pid)] : [])))
  }

  /** Every running trainer that the record of an attempt without an end names. */
  trainers(): ReadonlyArray<FoundTrainer> {
    const below = this.below()
    return this.agents.flatMap((agent) => {
      const attempts = join(this.directory, agent, "attempts")
      if (!existsSync(attempts)) return []
      return readdirSync(attempts).flatMap((epoch) => {
        try {
          const record = JSON.parse(readFileSync(join(attempts, epoch, "agent.json"), "utf8")) as AttemptRecord
          const pid = record.end === null ? record.tree?.pid : undefined
          return pid !== undefined && below.has(pid) ? [{ pid, trial: record.trial }] : []
        } catch {
          // Begun or removed in that very moment.
          return []
        }
      })
    })
  }

  /** Ends everything. How many processes the agents left behind when they had been asked to leave. */
  async end(): Promise<number> {
    const agents = this.agents.flatMap((id) => this.processes.get(id) ?? [])
    for (const child of agents) child.kill("SIGTERM")
    for (let waits = 0; waits < 60 && this.below().size > 0; waits++) await wait(500)
    const left = this.below()
    for (const name of this.processes.keys()) await this.kill(name)
    for (const pid of left) process.kill(pid, "SIGKILL")
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    return left.size
  }

  /** The end of what a process said, for when something is wrong. */
  lastWords(name: string): string {
    return readFileSync(join(this.directory, `${name}.log`), "utf8")
      .trimEnd()
      .split("\n")
      .slice(-5)
      .join("\n")
  }

  private start(name: string, args: ReadonlyArray<string>): void {
    const log = openSync(join(this.directory, `${name}.log`), "a")
    const environment = { NO_COLOR: "1", SWEEP_COORDINATOR: "", SWEEP_HOME: join(this.directory, "state"), ...timings }
    this.processes.set(
      name,
      spawn(process.execPath, [program, ...args], {
        cwd: this.directory,
        env: { ...process.env, ...environment },
        stdio: ["ignore", log, log],
      }),
    )
    closeSync(log)
  }
}

/** Asks the coordinator, as often as it takes. */
const ask = async <A>(
  address: string,
  question: (api: SweepApi["Service"]) => Effect.Effect<A, unknown>,
): Promise<A> => {
  for (let tries = 0; ; tries++) {
    const answer = Effect.flatMap(SweepApi, question).pipe(Effect.provide(grpcSweepApi.layer({ address })))
    const result = await Effect.runPromise(Effect.result(answer))
    if (result._tag === "Success") return result.success
    if (tries === 200) throw new Error(`the coordinator does not answer: ${String(result.failure)}`)
    await wait(300)
  }
}

interface Ran {
  readonly kills: number
  readonly orphans: number
  readonly problems: ReadonlyArray<string>
  /** The curves: `trial metric step value`. */
  readonly points: ReadonlyArray<string>
  readonly duplicates: number
}

interface SoakOptions {
  readonly trainer: SoakTrainer
  readonly kills: number
  readonly seed: number
  readonly say: (text: string) => void
}

const run = async (options: SoakOptions, trials: number, kills: number): Promise<Ran> => {
  const { seed, say } = options
  const { between, file, repeats }: SoakSweep = soakSweeps[options.trainer]
  const deployment = new Deployment(await freePort())
  const chance = random(seed, 0, "soak")
  const problems: Array<string> = []
  const killedTrials = new Set<number>()
  let killed = 0
  try {
    const path = join(deployment.directory, "soak.yaml")
    writeFileSync(path, file(trials))
    deployment.startCoordinator()
    for (const id of deployment.agents) deployment.startAgent(id)
    await ask(deployment.address, (api) => api.status)
    const submit = spawn(process.execPath, [program, "run", path, "--coordinator", deployment.address, "--detach"], {
      cwd: deployment.directory,
      stdio: ["ignore", "ignore", 2],
    })
    await new Promise((resolve) => submit.once("exit", resolve))

    const twins = new Set<number>()
    const step = async () => {
      const found = deployment.trainers()
      for (const { pid, trial } of found) {
        const twin = found.find((other) => other.pid !== pid && other.trial === trial)
        if (twin !== undefined && !twins.has(trial)) {
          twins.add(trial)
          problems.push(`trial ${trial} runs twice at once`)
        }
      }
      const target = chance.index(4)
      const victim = found.filter(({ trial }) => !killedTrials.has(trial))[0]
      if (target === 0) {
        await deployment.kill("coordinator")
        deployment.startCoordinator()
      } else if (target === 1 && victim !== undefined) {
        killedTrials.add(victim.trial)
        process.kill(victim.pid, "SIGKILL")
      } else {
        const id = deployment.agents[chance.index(2)]!
        await deployment.kill(id)
        deployment.startAgent(id)
      }
      killed++
      if (killed % 25 === 0) say(`${killed} of ${kills} kills`)
    }
    const isOver = async () => {
      const { status } = await ask(deployment.address, (api) => api.get(sweep))
      return status === "finished" || status === "stopped"
    }
    // Asked only now and then: the coordinator has to come up between two kills, or nothing is ever done.
    for (let round = 1; ; round++) {
      if (killed < kills) {
        await wait(between[0] + chance.uniform() * (between[1] - between[0]))
        try {
          await step()
        } catch (error) {
          // The victim was gone in that very moment.
          if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
        }
      } else await wait(1_000)
      if ((killed >= kills || round % 5 === 0) && (await isOver())) break
    }
    const state = await ask(deployment.address, (api) => api.get(sweep))
    for (const trial of state.trials.values()) {
      if (trial.state !== "completed") {
        const why = trial.failure?.message ?? trial.stopReason
        problems.push(`trial ${trial.number} is ${trial.state}: ${why === null ? "" : reasonSentence(why)}`)
      }
      if (!isTerminal(trial.state)) problems.push(`trial ${trial.number} never ended`)
    }
    const rowsOf = async (sql: string) => (await ask(deployment.address, (api) => api.query(sql, 1_000_000))).rows
    const rows = await rowsOf("SELECT trial, metric, step, value FROM curves")
    const points = rows.filter(([, metric]) => repeats(String(metric)))
    // An attempt that starts over repeats steps of the one before; no line of one attempt may be there twice.
    const twice = await rowsOf(
      "SELECT trial, attempt, metric, step FROM metrics GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL",
    )
    return {
      kills: killed,
      problems,
      points: points.map((row) => row.join(" ")),
      duplicates: twice.length,
      orphans: await deployment.end(),
    }
  } catch (error) {
    const words = ["coordinator", ...deployment.agents].map((name) => `${name}: ${deployment.lastWords(name)}`)
    await deployment.end()
    throw new Error([String(error), ...words].join("\n"), { cause: error })
  }
}

/** `kills` of them, unless the sweep has ended before. */
export const soak = async (options: SoakOptions): Promise<SoakOutcome> => {
  if (options.kills === 0) return { kills: 0, lostPoints: 0, duplicatePoints: 0, orphans: 0, problems: [] }
  if (!existsSync(program)) throw new Error(`there is no ${program}: run ./sweep --version, which makes it`)
  const trials = soakSweeps[options.trainer].trials(options.kills)
  const inPeace = await run(options, trials, 0)
  options.say(`the sweep of ${trials} trials in peace has ${inPeace.points.length} points`)
  const tormented = await run(options, trials, options.kills)
  const expected = new Set(inPeace.points)
  const found = new Set(tormented.points)
  const lost = inPeace.points.filter((point) => !found.has(point))
  const foreign = tormented.points.filter((point) => !expected.has(point))
  return {
    kills: tormented.kills,
    lostPoints: lost.length,
    duplicatePoints: tormented.duplicates,
    orphans: tormented.orphans,
    problems: [
      ...tormented.problems,
      ...inPeace.problems.map((problem) => `in peace: ${problem}`),
      ...lost.slice(0, 3).map((point) => `lost: ${point}`),
      ...foreign.slice(0, 3).map((point) => `not in the sweep left in peace: ${point}`),
    ],
  }
}
