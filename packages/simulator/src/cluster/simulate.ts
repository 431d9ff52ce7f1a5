// One run of a whole cluster in one thread and no time: the real coordinator on a simulated disk, real agents on simulated
// hosts, a simulated network between them, and weather over all. After the weather everything is mended, and the sweep
// has to come to its end. Owns the setting of a run and what it is judged by; equal seeds give equal runs.
import { existsSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { threadId } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Coordinator from "@sweep/coordinator/Coordinator"
import { AgentId, type Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { Timings } from "@sweep/domain/Lease"
import { AgentGateway } from "@sweep/protocol/AgentGateway"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { ArtifactStore } from "@sweep/store/ArtifactStore"
import { makeMemory, type Received, Store } from "@sweep/store/Store"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { SimulatedHost } from "./SimulatedHost.ts"
import { HandOver } from "./HandOver.ts"
import { Ledger, type Violation } from "./Ledger.ts"
import { Network } from "./Network.ts"
import { acknowledgeBeforeCommit, epochCheckRemoved, leaseIgnored, type PlantedBug } from "./plantedBugs.ts"
import { Disk, simulatedStore } from "./simulatedStore.ts"
import { type Fault, type Happening, weatherOf } from "./weather.ts"
import { Life, type Machine, World } from "./World.ts"

/** A tenth of the real ones, the lease less: a run is shorter, and everything has its proportion to everything else. */
export const simulatedTimings = new Timings({
  heartbeat: 1_000,
  suspect: 4_500,
  lease: 10_000,
  grace: 3_000,
  margin: 3_000,
})
/** Milliseconds of weather, and then until the sweep has to have ended. */
const foul = 60_000
const fair = 900_000

export interface Outcome {
  readonly seed: number
  readonly violations: ReadonlyArray<Violation>
  readonly weather: ReadonlyArray<Happening>
  readonly trials: number
  readonly facts: number
  /** Milliseconds that passed in the world. */
  readonly millis: number
  readonly lostPoints: number
  readonly duplicatePoints: number
  readonly doubleRuns: number
  readonly orphans: number
  readonly trace: ReadonlyArray<string>
}

export interface SimulationOptions {
  readonly seed: number
  readonly bug?: PlantedBug
  /** Keeps what happened, for a person. */
  readonly traced?: boolean
  /** Which of the seed's faults happen; all unless given. */
  readonly only?: (index: number) => boolean
}

class Cluster {
  readonly world: World
  readonly ledger: Ledger
  readonly network: Network
  readonly hosts: ReadonlyArray<SimulatedHost>
  readonly sweep = SweepId.make("example")
  api: SweepApi["Service"] | undefined
  private readonly bug: PlantedBug | undefined
  private readonly received = new Map<Epoch, Received>()
  private readonly memory = makeMemory(this.received)
  private readonly disk: Disk
  private readonly handOver: HandOver
  private readonly machine: Machine = { name: "coordinator", skew: 0, uptime: 5_000 }
  private coordinator: Life | undefined
  private lives = 0

  constructor(options: SimulationOptions, directory: string) {
    this.bug = options.bug
    this.world = new World(options.seed, options.traced === true)
    this.ledger = new Ledger(this.world, this.received, simulatedTimings.grace + 2_000)
    this.network = new Network(this.world)
    this.disk = new Disk(this.world)
    this.handOver = new HandOver(this.world)
    const setting = this.world.random("setting")
    this.hosts = Array.from(
      { length: 1 + setting.index(3) },
      (_, i) =>
        new SimulatedHost({
          id: AgentId.make(`host-${i + 1}`),
          directory,
          slots: 1 + setting.index(2),
          world: this.world,
          network: this.network,
          ledger: this.ledger,
          handOver: this.handOver,
          timings: simulatedTimings,
          wrap: (connection) => (options.bug === "lease ignored" ? leaseIgnored(connection) : connection),
        }),
    )
  }

  startCoordinator(): void {
    if (this.coordinator?.alive === true) return
    const { world, ledger } = this
    const number = ++this.lives
    const life = new Life(world, this.machine, number)
    this.coordinator = life
    world.note(() => "coordinator: starts")
    const onDisk = simulatedStore({ world, life, disk: this.disk, memory: this.memory, ledger, number })
    // To the same attempts, by one that has not heard of any dispatch.
    const unfenced = () =>
      simulatedStore({ world, life, disk: this.disk, memory: makeMemory(this.received), ledger, number })
    const store = this.bug === "acknowledge before commit" ? acknowledgeBeforeCommit(onDisk, life) : onDisk
    const layer = Coordinator.layer({ version: "simulated", pid: 1, home: "/", timings: simulatedTimings }).pipe(
      Layer.provide(Layer.succeed(Store, store)),
      Layer.provide(Layer.succeed(ArtifactStore, this.handOver.store)),
      Layer.provide(FileSystem.layerNoop({})),
    )
    const serving = Effect.gen({ self: this }, function* () {
      const gateway = yield* AgentGateway
      const api = yield* SweepApi
      this.api = api
      const honest: AgentGateway["Service"] = {
        serve: (session) =>
          gateway.serve({
            ...session,
            send: (message) => {
              ledger.said(message)
              return session.send(message)
            },
          }),
      }
      this.network.listener = {
        life,
        gateway: this.bug === "epoch check removed" ? epochCheckRemoved(honest, unfenced(), ledger) : honest,
      }
      if (ledger.sweeps.size === 0) yield* Effect.ignore(api.submit(specOf(world)))
      return yield* Effect.never
    })
    life.fork(Effect.provide(serving, layer)).addObserver((exit) => {
      // The store refused to be read: a service manager starts it again.
      world.note(() => `coordinator: exits ${JSON.stringify(exit)}`)
      this.killCoordinator()
      world.after(1_000, () => this.startCoordinator())
    })
  }

  killCoordinator(): void {
    const life = this.coordinator
    if (life?.alive !== true) return
    this.world.note(() => "coordinator: is killed")
    life.kill()
    this.api = undefined
    this.disk.cutOff(this.world.random("cut off", this.lives).index(3))
    this.network.gone(life)
  }

  readonly befall = (fault: Fault): void => {
    const { world, network, hosts } = this
    const host = hosts["host" in fault ? (fault.host ?? 0) : 0]!
    world.note(() => `--- ${JSON.stringify(fault)}`)
    switch (fault._tag) {
      case "KillCoordinator":
        this.killCoordinator()
        world.after(fault.millis, () => this.startCoordinator())
        return
      case "KillAgent":
        host.kill()
        world.after(fault.millis, () => host.start())
        return
      case "FreezeCoordinator": {
        const life = this.coordinator
        life?.freeze()
        network.changed()
        world.after(fault.millis, () => this.thawCoordinator(life))
        return
      }
      case "FreezeAgent":
        host.freeze()
        world.after(fault.millis, () => host.thaw())
        return
      case "DrainAgent":
        return host.drain()
      case "PreemptAgent":
        return host.preempt(fault.millis)
      case "KillTrainer":
        return host.running()[0]?.exit({ code: null, signal: "SIGKILL" })
      case "TerminateTrainer":
        return host.running()[0]?.terminate()
      case "Cut": {
        const line = network.line(host.id)
        if (fault.direction !== "down") line.up = false
        if (fault.direction !== "up") line.down = false
        network.changed()
        world.after(fault.millis, () => {
          Object.assign(line, { up: true, down: true })
          network.changed()
        })
        return
      }
      case "Slow":
        network.slowness = 2_000
        world.after(fault.millis, () => (network.slowness = 20))
        return
      case "FullDisk":
        this.disk.full = true
        world.after(fault.millis, () => (this.disk.full = false))
        return
      case "SetClock":
        ;(fault.host === null ? this.machine : host.machine).skew += fault.millis
        return
      case "Control":
        return this.control(fault.trial, fault.action)
    }
  }

  /** Everything works from now on. */
  mend(): void {
    this.world.note(() => "--- all is mended")
    this.disk.full = false
    this.network.slowness = 20
    for (const line of this.network.lines.values()) Object.assign(line, { up: true, down: true })
    this.thawCoordinator(this.coordinator)
    this.startCoordinator()
    for (const host of this.hosts) {
      host.thaw()
      host.bring()
    }
    this.network.changed()
  }

  /** What a person paused continues. */
  resume(): void {
    this.control(null, "resume")
    for (const { number, state } of this.ledger.trials()) {
      if (state === "paused" && !this.ledger.waiting.has(number)) this.control(number, "resume")
    }
  }

  over(): boolean {
    const sweep = this.ledger.sweeps.get(this.sweep)
    return (
      sweep !== undefined &&
      (sweep.status === "finished" || sweep.status === "stopped") &&
      Array.from(sweep.trials.values()).every(({ endedAt }) => endedAt !== null) &&
      this.ledger.processes().length === 0
    )
  }

  private thawCoordinator(life: Life | undefined): void {
    life?.thaw()
    this.network.changed()
  }

  private control(trial: number | null, action: "stop" | "pause" | "resume"): void {
    const { api, coordinator } = this
    if (api === undefined || coordinator === undefined) return
    const number = trial === null ? null : TrialNumber.make(trial)
    coordinator.enter(() =>
      coordinator.fork(Effect.ignore(api.control(this.sweep, number, action, { _tag: "ByHand" }))),
    )
  }
}

/** A small sweep, of one kind or another. */
const specOf = (world: World) => (world.random("population").index(4) === 0 ? populationOf(world) : usualOf(world))

/** Members wait for each other every three steps. */
const populationOf = (world: World) => {
  const setting = world.random("spec")
  const population = 2 + setting.index(3)
  return exampleSpec({
    method: "random",
    seed: world.seed,
    budget: { trials: population + setting.index(5), gpuHours: null, hours: null },
    earlyTerminate: {
      type: "pbt",
      resource: "step",
      interval: 3,
      population,
      quantile: 0.25,
      resample_probability: 0.25,
      perturb: [0.8, 1.2],
      parameters: null,
    },
  })
}

const usualOf = (world: World) => {
  const setting = world.random("spec")
  const rule = setting.index(4)
  return exampleSpec({
    trainer: setting.index(2) === 0 ? "peft" : "command",
    command: ["train"],
    method: "random",
    seed: world.seed,
    budget: { trials: 2 + setting.index(7), gpuHours: null, hours: null },
    replicas: setting.index(4) === 0 ? 2 : 1,
    earlyTerminate:
      rule === 0
        ? { type: "asha", resource: "step", min_resource: 2, max_resource: 8, eta: 2, mode: "promote", brackets: 1 }
        : rule === 1
          ? { type: "median", resource: "step", min_resource: 2, min_trials: 1, percentile: 50, action: "stop" }
          : null,
    // Longer trials wait for shorter ones.
    ...(setting.index(3) === 0 ? { space: alikeSpace } : {}),
  })
}

const categorical = (name: string, ...values: readonly [ParameterValue, ...ReadonlyArray<ParameterValue>]) => ({
  name,
  distribution: { _tag: "Categorical" as const, values, probabilities: null },
  when: null,
  prior: null,
})

/** Of trials that share a prefix. */
const alikeSpace = {
  dimensions: [
    categorical("rank", 4, 8),
    categorical("schedule", "constant"),
    categorical("warmup_ratio", 0),
    categorical("epochs", 1, 2, 3),
  ],
  derived: [],
  constraints: [],
}

export const simulate = (options: SimulationOptions): Outcome => {
  // In memory where that is possible: files are made and removed by the thousand.
  const directory = join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `sweep-simulator-${process.pid}-${threadId}`)
  try {
    return run(new Cluster(options, directory), options)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const run = (cluster: Cluster, { seed, only }: SimulationOptions): Outcome => {
  const { world, ledger, hosts } = cluster
  const weather = weatherOf(world.random("weather"), {
    hosts: hosts.length,
    lease: simulatedTimings.lease,
    lasts: foul,
  })
  const failed = () => ledger.violations.length > 0
  cluster.startCoordinator()
  for (const host of hosts) host.start()
  weather.forEach(({ at, fault }, index) => {
    if (only?.(index) !== false) world.after(at, () => cluster.befall(fault))
  })
  const look = () => {
    ledger.lookForTwins()
    world.after(1_000, look)
  }
  world.after(1_000, look)
  const done = () => failed() || cluster.over()
  if (!world.runUntil(done, foul)) {
    cluster.mend()
    // Once all are connected again.
    world.runUntil(done, 40_000)
    const remind = () => {
      cluster.resume()
      world.after(30_000, remind)
    }
    remind()
    if (!world.runUntil(done, fair)) {
      for (const { trial, host } of ledger.processes()) ledger.broken("no orphan", `${trial} still runs on ${host}`)
      const status = Array.from(ledger.sweeps.values(), (sweep) => sweep.status).join() || "never submitted"
      ledger.broken("every trial ends", `the sweep is ${status} ${fair / 1000} s after all was mended`)
    }
  }
  const { lost, twice } = failed() ? { lost: 0, twice: 0 } : ledger.audit()
  const count = (invariant: Violation["invariant"]) =>
    ledger.violations.filter((violation) => violation.invariant === invariant).length
  return {
    seed,
    violations: ledger.violations,
    weather,
    trials: Array.from(ledger.trials()).length,
    facts: ledger.facts,
    millis: world.now,
    lostPoints: lost,
    duplicatePoints: twice,
    doubleRuns: count("nothing runs twice"),
    orphans: count("no orphan"),
    trace: world.trace ?? [],
  }
}
