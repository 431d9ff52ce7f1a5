// Time, chance and processes of a simulated world. One thread runs everything: what is due now, in the order in which it
// became due, then the clock jumps to the next moment at which something is. Nothing waits for real time and nothing
// real wakes anybody, so a seed always gives the same run. A `Life` is one life of a process: it has its own scheduler
// and clocks, can stand still (SIGSTOP, a starved machine) and can be gone between any two steps (SIGKILL): then no
// finalizer of it runs. Owns these; what the processes are and what is between them is told elsewhere.
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as EffectRandom from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { type Random, random } from "@sweep/search/Random"

interface Due {
  readonly time: number
  readonly order: number
  run: (() => void) | undefined
}

/** Wall clocks start here: milliseconds since the Unix epoch. */
const epochMillis = 1_700_000_000_000

export class World {
  readonly seed: number
  /** Milliseconds since the beginning. */
  now = 0
  /** What happened, for a person: filled when it is asked for. */
  readonly trace: Array<string> | undefined
  private readonly heap: Array<Due> = []
  private order = 0
  private ready: Array<() => void> = []

  constructor(seed: number, traced: boolean) {
    this.seed = seed
    this.trace = traced ? [] : undefined
  }

  /** A source of chance of its own for every purpose: more draws for the one change nothing of the other. */
  random(stream: string, number = 0): Random {
    return random(this.seed, number, stream)
  }

  /** `text` is only made when somebody wants it. */
  note(text: () => string): void {
    this.trace?.push(`${(this.now / 1000).toFixed(3).padStart(8)}  ${text()}`)
  }

  /** Runs after everything that is due now. */
  soon(run: () => void): void {
    this.ready.push(run)
  }

  /** Runs `millis` from now; the result calls it off. */
  after(millis: number, run: () => void): () => void {
    const due: Due = { time: this.now + Math.max(0, millis), order: this.order++, run }
    this.push(due)
    return () => {
      due.run = undefined
    }
  }

  /** Until `over`, or for `millis`. Whether it was over. */
  runUntil(over: () => boolean, millis: number): boolean {
    const end = this.now + millis
    for (;;) {
      while (this.ready.length > 0) {
        const batch = this.ready
        this.ready = []
        for (const run of batch) run()
      }
      if (over()) return true
      const next = this.pop()
      if (next === undefined) return false
      if (next.time > end) {
        this.push(next)
        this.now = end
        return false
      }
      this.now = next.time
      next.run?.()
    }
  }

  private push(due: Due): void {
    const { heap } = this
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(due, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  private pop(): Due | undefined {
    const { heap } = this
    for (;;) {
      const first = heap[0]
      if (first === undefined) return undefined
      const last = heap.pop()!
      if (heap.length > 0) {
        let at = 0
        for (let child = 1; child < heap.length; child = 2 * at + 1) {
          if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
          if (!before(heap[child]!, last)) break
          heap[at] = heap[child]!
          at = child
        }
        heap[at] = last
      }
      if (first.run !== undefined) return first
    }
  }
}

const before = (a: Due, b: Due): boolean => a.time < b.time || (a.time === b.time && a.order < b.order)

/** What is of the machine, not of one life of a process on it. */
export interface Machine {
  readonly name: string
  /** How far the wall clock is off, in milliseconds. */
  skew: number
  /** Since its boot, at the beginning of the world. */
  readonly uptime: number
}

export class Life {
  readonly machine: Machine
  private readonly world: World
  private dead = false
  private held: Array<() => void> | undefined
  readonly context: Context.Context<never>

  constructor(world: World, machine: Machine, number: number) {
    this.world = world
    this.machine = machine
    const chance = world.random(`life of ${machine.name}`, number)
    this.context = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, this.scheduler()),
      Context.add(Clock.Clock, this.clock()),
      Context.add(EffectRandom.Random, {
        nextDoubleUnsafe: chance.uniform,
        nextIntUnsafe: () => Math.floor((chance.uniform() - 0.5) * Number.MAX_SAFE_INTEGER),
      }),
      Context.add(Logger.CurrentLoggers, new Set(world.trace === undefined ? [] : [this.logger()])),
    )
  }

  get alive(): boolean {
    return !this.dead
  }
  get awake(): boolean {
    return !this.dead && this.held === undefined
  }

  /** Something from outside reaches the process: a timer, a message, the end of a write. */
  readonly enter = (run: () => void): void => {
    if (this.dead) return
    if (this.held === undefined) run()
    else this.held.push(run)
  }

  kill(): void {
    this.dead = true
    this.held = undefined
  }
  freeze(): void {
    if (!this.dead) this.held ??= []
  }
  thaw(): void {
    const { held } = this
    this.held = undefined
    for (const run of held ?? []) this.world.soon(() => this.enter(run))
  }

  fork<A, E, R extends never>(effect: Effect.Effect<A, E, R>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.context)(effect)
  }

  /** What the effect comes to when the world does the work and `finish` tells of it. */
  callback<A, E>(begin: (finish: (result: Effect.Effect<A, E>) => void) => (() => void) | void): Effect.Effect<A, E> {
    return Effect.callback<A, E>((resume) => {
      const stop = begin((result) => this.enter(() => resume(result)))
      return stop === undefined ? undefined : Effect.sync(stop)
    })
  }

  private scheduler(): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => this.world.soon(() => this.enter(task)),
      flush: () => undefined,
    }
    return {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= 2048,
      makeDispatcher: () => dispatcher,
    }
  }

  private clock(): Clock.Clock {
    const { world, machine } = this
    const millis = () => Math.floor(epochMillis + world.now + machine.skew)
    const nanos = () => BigInt(millis()) * 1_000_000n
    const monotonic = () => BigInt(Math.round((machine.uptime + world.now) * 1e6))
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => {
        const wait = Duration.toMillis(duration)
        if (!Number.isFinite(wait)) return Effect.never
        // Node's shortest timer. Below the clock's resolution a loop that waits for a moment would never reach it.
        const least = Math.max(1, wait)
        return this.callback((finish) => world.after(least, () => finish(Effect.void)))
      },
    }
  }

  private logger(): Logger.Logger<unknown, void> {
    return Logger.make(({ message, cause }) => {
      const said = (Array.isArray(message) ? message : [message]).map(String).join(" ")
      const because = cause.reasons.length > 0 ? ` ${JSON.stringify(cause)}` : ""
      this.world.note(() => `${this.machine.name}: ${said}${because}`)
    })
  }
}
