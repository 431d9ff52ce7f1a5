// A trainer of a simulated host, by the trainer contract: reads trial.json, appends to events.jsonl, saves checkpoints,
// heeds control.jsonl and SIGTERM, or does not. What goes wrong with it follows from the seed, the trial and the attempt.
// Owns what a trainer does; ending it is the host's.
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Attempt } from "@sweep/daemon/Attempt"
import type { Random } from "@sweep/search/Random"
import type { Ledger } from "./Ledger.ts"
import type { World } from "./World.ts"

export interface TrainerExit {
  readonly code: number | null
  readonly signal: string | null
}

/** What this attempt comes to, unless somebody ends it before. */
/** Of trial.json, what a member of a population heeds. */
interface Document {
  readonly pause_at?: { readonly at: number }
  readonly parent?: { readonly step: number }
}

type Fate = "finishes" | "crashes" | "runs out of memory" | "ends with NaN"

export class SimulatedTrainer {
  readonly pid: number
  readonly mark: string
  private readonly world: World
  private readonly ledger: Ledger
  private readonly attempt: Attempt
  private readonly grace: number
  private readonly wrote: () => void
  private readonly chance: Random
  private readonly fate: Fate
  private readonly steps: number
  private readonly stepMillis: number
  private readonly ignoresTerm: boolean
  private readonly talks: boolean
  private readonly document: Document
  private readonly observers: Array<(exit: TrainerExit) => void> = []
  private exited: TrainerExit | undefined
  private terminated = false
  private seq = 0
  private step = 0

  constructor(options: {
    readonly world: World
    readonly ledger: Ledger
    readonly pid: number
    readonly mark: string
    readonly attempt: Attempt
    readonly grace: number
    /** A file in the attempt's directory has grown. */
    readonly wrote: () => void
  }) {
    const { world, attempt } = options
    this.world = world
    this.ledger = options.ledger
    this.pid = options.pid
    this.mark = options.mark
    this.attempt = attempt
    this.grace = options.grace
    this.wrote = options.wrote
    const { trial, attempt: number } = attempt.record
    const same = world.random("trial", trial)
    this.steps = 4 + same.index(15)
    this.stepMillis = 300 + same.uniform() * 3_000
    this.chance = world.random(`trainer of ${trial}`, number)
    const draw = this.chance.uniform()
    this.fate = draw < 0.8 ? "finishes" : draw < 0.9 ? "crashes" : draw < 0.95 ? "runs out of memory" : "ends with NaN"
    this.ignoresTerm = this.chance.index(2) === 0
    this.talks = this.chance.index(4) === 0
    this.document = JSON.parse(readFileSync(attempt.directory.trial, "utf8")) as Document
    world.note(
      () => `${mark(this)} starts epoch ${attempt.epoch} (${this.fate}${this.ignoresTerm ? ", ignores SIGTERM" : ""})`,
    )
    world.after(50 + this.chance.uniform() * 200, () => this.begin())
  }

  onExit(observer: (exit: TrainerExit) => void): void {
    if (this.exited === undefined) this.observers.push(observer)
    else observer(this.exited)
  }

  exit(exit: TrainerExit): void {
    if (this.exited !== undefined) return
    this.exited = exit
    // Killed in the middle of a line.
    if (exit.signal !== null && this.chance.index(3) === 0) this.append(`{"seq":${this.seq + 1},"at":"20`)
    this.world.note(() => `${mark(this)} is gone (${exit.signal ?? exit.code})`)
    for (const observer of this.observers) observer(exit)
  }

  /** SIGTERM. */
  terminate(): void {
    if (this.exited !== undefined || this.terminated) return
    this.terminated = true
    if (this.ignoresTerm) return
    this.world.after(this.chance.uniform() * this.grace * 0.8, () => {
      if (this.exited !== undefined) return
      this.save()
      this.exit({ code: 143, signal: null })
    })
  }

  private begin(): void {
    if (this.exited !== undefined) return
    const saved = join(this.attempt.directory.checkpoints, "state.json")
    if (existsSync(saved)) this.step = Number(readFileSync(saved, "utf8"))
    // Of another trial's checkpoint only its step matters here.
    else this.step = this.document.parent?.step ?? 0
    this.line({
      type: "started",
      pid: this.pid,
      warm: false,
      versions: {},
      device: "simulated",
      total_steps: this.steps,
    })
    if (this.isAtPoint()) this.pause()
    else this.next()
  }

  private next(): void {
    this.world.after(this.stepMillis * (0.5 + this.chance.uniform()), () => this.train())
  }

  private train(): void {
    if (this.exited !== undefined || (this.terminated && !this.ignoresTerm)) return
    if (!this.ignoresTerm && this.isAskedToFinish()) return this.finish(true)
    this.step++
    const loss = 1 + 1 / this.step + (this.attempt.record.trial % 3) / 10
    this.metrics({ "eval/loss": loss, "train/loss": loss / 2 })
    if (this.talks) this.print("stdout", `step ${this.step}\n`)
    if (this.step % 2 === 0) this.save()
    if (this.fate === "crashes" && this.step >= this.steps / 2) {
      this.print("stderr", "Traceback (most recent call last)\nValueError: a bug\n")
      return this.exit({ code: 1, signal: null })
    }
    if (this.fate === "runs out of memory" && this.step >= this.steps / 2) {
      this.line({ type: "failed", class: "oom", message: "CUDA out of memory", detail: null })
      return this.exit({ code: 1, signal: null })
    }
    if (this.step >= this.steps) this.finish(false)
    else if (this.isAtPoint()) this.pause()
    else this.next()
  }

  private isAtPoint(): boolean {
    const { pause_at } = this.document
    return pause_at !== undefined && this.step >= pause_at.at && this.step < this.steps
  }

  /** It waits for the others of its population, in another attempt. */
  private pause(): void {
    this.save()
    this.line({ type: "paused", step: this.step })
    this.world.after(30, () => this.exit({ code: 143, signal: null }))
  }

  private isAskedToFinish(): boolean {
    try {
      return readFileSync(this.attempt.directory.control, "utf8") !== ""
    } catch {
      return false
    }
  }

  private finish(interrupted: boolean): void {
    if (this.fate === "ends with NaN" && !interrupted) this.metrics({ "eval/loss": "NaN" })
    this.line({ type: "finished", step: this.step, values: {}, interrupted })
    // Some linger.
    this.world.after(this.chance.index(6) === 0 ? this.grace * 2 : 30, () => this.exit({ code: 0, signal: null }))
  }

  private save(): void {
    const { checkpoints } = this.attempt.directory
    mkdirSync(checkpoints, { recursive: true })
    writeFileSync(join(checkpoints, "state.tmp"), String(this.step))
    renameSync(join(checkpoints, "state.tmp"), join(checkpoints, "state.json"))
  }

  private metrics(values: Readonly<Record<string, number | string>>): void {
    const points = Object.entries(values).map(([name, value]) => [name, this.step, Number(value)] as const)
    this.line({ type: "metrics", step: this.step, values }, points)
  }

  private line(
    event: Readonly<Record<string, unknown>>,
    points: ReadonlyArray<readonly [string, number, number]> = [],
  ): void {
    this.seq++
    this.ledger.wrote(this.attempt.epoch, [...points])
    this.append(`${JSON.stringify({ seq: this.seq, at: "2023-11-14T22:13:20.000Z", ...event })}\n`)
  }

  private append(text: string): void {
    write(this.attempt.directory.events, text)
    this.wrote()
  }

  private print(stream: "stdout" | "stderr", text: string): void {
    write(this.attempt.directory.log(stream), text)
  }
}

const write = (path: string, text: string): void => {
  try {
    appendFileSync(path, text)
  } catch {
    // The agent has thrown the attempt's directory away.
  }
}

const mark = ({ mark: own }: SimulatedTrainer): string => `trainer ${own}`
