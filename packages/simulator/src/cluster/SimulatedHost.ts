// A simulated GPU host: its disk (real files in a directory of its own), the trainers that run on it, and one agent after
// another. The agent is the real one from agentLoops down, with the host in place of the operating system: what it asks of
// processes and files is answered here. Trainers outlive their agent, as real ones do.
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { AgentId } from "@sweep/domain/Id"
import type { Timings } from "@sweep/domain/Lease"
import { runLoops } from "@sweep/daemon/agentLoops"
import type { Attempt } from "@sweep/daemon/Attempt"
import { Disk } from "@sweep/daemon/disk"
import { FileWatch } from "@sweep/daemon/FileWatch"
import { Processes } from "@sweep/daemon/Processes"
import type { ProcessTree } from "@sweep/daemon/ProcessTree"
import type { Trainer } from "@sweep/daemon/Trainer"
import { AgentConnection } from "@sweep/protocol/AgentConnection"
import { slotsOf } from "@sweep/protocol/ScriptedAgent"
import type { HandOver } from "./HandOver.ts"
import type { Ledger } from "./Ledger.ts"
import type { Network } from "./Network.ts"
import { SimulatedTrainer, type TrainerExit } from "./SimulatedTrainer.ts"
import { Life, type Machine, type World } from "./World.ts"

/** Milliseconds between the word that a host will be taken away and its end: a tenth of a spot machine's. */
const notice = 3_000

/** Milliseconds between two looks at a file: the host tells of every change. */
const lookMillis = 5_000

export class SimulatedHost {
  readonly id: AgentId
  readonly machine: Machine
  readonly home: string
  life: Life | undefined
  private stopAgent: (() => void) | undefined
  private releaseAgent: (() => void) | undefined
  /** Until then the host is not there. */
  private awayUntil = 0
  private lives = 0
  private pids = 100
  /** Since when the agent lives and is awake. */
  private awakeSince: number | undefined
  private readonly processes = new Map<number, SimulatedTrainer>()
  private readonly watchers = new Map<string, Set<() => void>>()
  private readonly world: World
  private readonly network: Network
  private readonly ledger: Ledger
  private readonly handOver: HandOver
  private readonly timings: Timings
  private readonly slots: number
  private readonly wrap: (connection: AgentConnection["Service"]) => AgentConnection["Service"]

  constructor(options: {
    readonly id: AgentId
    readonly directory: string
    readonly slots: number
    readonly world: World
    readonly network: Network
    readonly ledger: Ledger
    readonly handOver: HandOver
    readonly timings: Timings
    /** A bug planted between the agent and its connection. */
    readonly wrap: (connection: AgentConnection["Service"]) => AgentConnection["Service"]
  }) {
    const { id, world } = options
    this.id = id
    this.world = world
    this.network = options.network
    this.ledger = options.ledger
    this.handOver = options.handOver
    this.timings = options.timings
    this.slots = options.slots
    this.wrap = options.wrap
    this.machine = { name: id, skew: 0, uptime: 1 + world.random(`uptime of ${id}`).index(1_000_000) }
    this.home = join(options.directory, id)
    mkdirSync(join(this.home, "attempts"), { recursive: true })
  }

  /** Starts the agent, unless it runs. */
  start(): void {
    if (this.life?.alive === true || this.world.now < this.awayUntil) return
    const life = new Life(this.world, this.machine, ++this.lives)
    this.life = life
    this.awakeSince = this.world.now
    this.world.note(() => `${this.id}: the agent starts`)
    const drain = Deferred.makeUnsafe<string>()
    const release = Deferred.makeUnsafe<string>()
    this.releaseAgent = () => life.enter(() => Deferred.doneUnsafe(release, Effect.succeed("SIGTERM")))
    this.stopAgent = () => life.enter(() => Deferred.doneUnsafe(drain, Effect.succeed("SIGTERM")))
    const trainer = this.trainer(life)
    const slots = slotsOf(this.slots)
    const slotTrainers = {
      peft: { ...trainer, prepare: Effect.void, stop: Effect.void, hasTrained: () => false },
      llamafactory: null,
      command: trainer,
    }
    const running = Effect.flatMap(this.handOver.uploads, (uploads) =>
      runLoops({
        home: { directory: this.home, agent: this.id, host: this.id, boot: "1" },
        version: "simulated",
        hostname: this.id,
        slots,
        trainers: new Map(slots.map(({ index }) => [index, slotTrainers])),
        allowed: ["peft", "command"],
        allowedMetrics: [],
        retention: {
          keep: (directory, { checkpoints }) =>
            Effect.sync(() => {
              if (!checkpoints) rmSync(directory.checkpoints, { recursive: true, force: true })
            }),
          forget: (directory) => Effect.sync(() => directory.remove()),
          relieve: Effect.void,
        },
        redact: (text) => text,
        // No device is another's here.
        uploads,
        checks: { problem: () => Effect.succeed(undefined), silence: null, disk: new Disk(this.home) },
        stops: { drain: Deferred.await(drain), release: Deferred.await(release), kill: Effect.never },
        notice,
        idleExit: null,
      }),
    ).pipe(
      Effect.scoped,
      Effect.provideService(AgentConnection, this.wrap(this.network.connection(this.id, life))),
      Effect.provideService(Processes, this.processTable(life)),
      Effect.provideService(FileWatch, { lookMillis, watch: (path, changed) => this.watch(life, path, changed) }),
    )
    life.fork(running).addObserver((exit) => {
      this.world.note(() => `${this.id}: the agent exits (${exit._tag})`)
      this.gone(life)
      // As a service manager does.
      this.world.after(1_000, () => this.start())
    })
  }

  /** It is there, however long it was to be away. */
  bring(): void {
    this.awayUntil = 0
    this.start()
  }
  /** SIGKILL. */
  kill(): void {
    if (this.life?.alive !== true) return
    this.world.note(() => `${this.id}: the agent is killed`)
    this.gone(this.life)
  }
  /** SIGTERM: it drains. */
  drain(): void {
    this.world.note(() => `${this.id}: the agent is told to drain`)
    this.stopAgent?.()
  }
  /** SIGTERM, and a little later the host is gone, with everything on it, for `millis`. */
  preempt(millis: number): void {
    this.world.note(() => `${this.id}: the host is to be taken away`)
    this.releaseAgent?.()
    this.world.after(notice, () => {
      this.world.note(() => `${this.id}: the host is taken away`)
      this.awayUntil = this.world.now + millis
      if (this.life?.alive === true) this.gone(this.life)
      for (const process of this.running()) process.exit({ code: null, signal: "SIGKILL" })
      this.world.after(millis, () => this.start())
    })
  }
  freeze(): void {
    this.world.note(() => `${this.id}: the agent stands still`)
    this.life?.freeze()
    this.awakeSince = undefined
    this.network.changed()
  }
  thaw(): void {
    if (this.life === undefined || this.life.awake || !this.life.alive) return
    this.world.note(() => `${this.id}: the agent continues`)
    this.life.thaw()
    this.awakeSince = this.world.now
    this.network.changed()
  }

  running(): ReadonlyArray<SimulatedTrainer> {
    return Array.from(this.processes.values())
  }

  private gone(life: Life): void {
    life.kill()
    this.awakeSince = undefined
    this.watchers.clear()
    this.network.gone(life)
  }

  private watch(life: Life, path: string, changed: () => void) {
    const tell = () => life.enter(changed)
    const watching = this.watchers.get(path) ?? new Set()
    this.watchers.set(path, watching.add(tell))
    return { close: () => void watching.delete(tell) }
  }

  private find({ pid, mark }: ProcessTree): SimulatedTrainer | undefined {
    const process = this.processes.get(pid)
    if (process?.mark === mark) return process
    return this.running().find((other) => other.mark === mark)
  }

  private processTable(life: Life): typeof Processes.Service {
    const kill = (tree: ProcessTree) =>
      Effect.suspend(() => {
        const process = this.find(tree)
        if (process === undefined) return Effect.succeed([])
        process.exit({ code: null, signal: "SIGKILL" })
        return Effect.as(Effect.sleep(20), [])
      })
    return {
      isRunning: (tree) => this.processes.get(tree.pid)?.mark === tree.mark,
      kill,
      terminate: (tree, grace) =>
        Effect.suspend(() => {
          const process = this.find(tree)
          if (process === undefined) return Effect.succeed([])
          process.terminate()
          const gone = life.callback<void, never>((finish) => process.onExit(() => finish(Effect.void)))
          return Effect.andThen(Effect.timeoutOption(gone, grace), kill(tree))
        }),
    }
  }

  private trainer(life: Life): Trainer {
    const chance = this.world.random(`starts on ${this.id}`, this.lives)
    return {
      start: Effect.fnUntraced({ self: this }, function* (attempt, onTree) {
        const pid = ++this.pids
        const mark = `${this.id}-${pid}`
        yield* onTree({ pid: 0, startTime: 0, mark })
        yield* Effect.sleep(chance.uniform() * 50)
        const process = this.spawn(pid, mark, attempt)
        // Here, too, the agent may be killed: the process runs and nobody has written down its pid.
        yield* Effect.sleep(chance.uniform() * 20)
        const tree = { pid: process.pid, startTime: 1, mark }
        yield* onTree(tree)
        const over = life.callback<TrainerExit, never>((finish) =>
          process.onExit((exit) => finish(Effect.succeed(exit))),
        )
        return { tree, over: Effect.map(over, (exit) => ({ _tag: "Exited" as const, ...exit })) }
      }),
    }
  }

  private spawn(pid: number, mark: string, attempt: Attempt): SimulatedTrainer {
    const { sweep, trial, epoch } = attempt.record
    const path = attempt.directory.path
    const process = new SimulatedTrainer({
      world: this.world,
      ledger: this.ledger,
      pid,
      mark,
      attempt,
      grace: this.timings.grace,
      wrote: () => {
        for (const tell of this.watchers.get(path) ?? []) tell()
      },
    })
    const running = {
      trial: `${sweep}/${trial}`,
      epoch,
      host: this.id,
      watchedSince: () => this.awakeSince,
    }
    this.processes.set(process.pid, process)
    this.ledger.began(running)
    process.onExit(() => {
      this.processes.delete(process.pid)
      this.ledger.ended(running)
    })
    return process
  }
}
