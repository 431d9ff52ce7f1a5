// Optuna as an opponent: its own Python environment (made on first use from bench/optuna/requirements.txt) and a
// process that answers ask and tell over JSON lines. Owns the process and the environment.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import * as readline from "node:readline"
import type { Readable, Writable } from "node:stream"
import type { Parameters } from "@sweep/domain/Parameter"
import type { TestDimension } from "./functions.ts"
import { root } from "./root.ts"

const requirements = `${root}/bench/optuna/requirements.txt`
const environment = `${root}/.venv-optuna`

const prepare = (): string => {
  const python = `${environment}/bin/python`
  const stamp = `${environment}/requirements.txt`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === readFileSync(requirements, "utf8")) return python
  console.error("preparing Optuna's environment (.venv-optuna), once …")
  if (!existsSync(python)) execFileSync("python3", ["-m", "venv", environment], { stdio: ["ignore", 2, 2] })
  execFileSync(python, ["-m", "pip", "install", "-q", "-r", requirements], { stdio: ["ignore", 2, 2] })
  writeFileSync(stamp, readFileSync(requirements))
  return python
}

export type OptunaSampler = "tpe" | "gp" | "cmaes" | "random"

export interface Optuna {
  readonly version: string
  readonly study: (
    sampler: OptunaSampler | "nsga2",
    seed: number,
    dimensions: ReadonlyArray<TestDimension>,
    objectives?: number,
  ) => Promise<void>
  readonly ask: () => Promise<{ readonly parameters: Parameters; readonly seconds: number }>
  readonly tell: (value: number | ReadonlyArray<number>) => Promise<void>
  readonly add: (trials: ReadonlyArray<{ readonly parameters: Parameters; readonly value: number }>) => Promise<void>
  /** Of the finished trials of the study, by parameter. */
  readonly importance: () => Promise<Record<"fanova" | "ped_anova", Readonly<Record<string, number>>>>
  readonly close: () => void
}

/** One thread, as its opponent has. */
export const startOptuna = async (): Promise<Optuna> => {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(prepare(), [`${root}/bench/optuna/driver.py`], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  })
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const request = async (message: object): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(message)}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw new Error("Optuna's process ended; its message stands above")
    return JSON.parse(value) as Record<string, unknown>
  }
  const { version } = await request({ type: "study", sampler: "random", seed: 0, dimensions: [] })
  return {
    version: String(version),
    study: async (sampler, seed, dimensions, objectives = 1) =>
      void (await request({ type: "study", sampler, seed, dimensions, objectives })),
    ask: async () => (await request({ type: "ask" })) as never,
    tell: async (value) => void (await request({ type: "tell", value })),
    add: async (trials) => void (await request({ type: "add", trials })),
    importance: async () => (await request({ type: "importance" })) as never,
    close: () => void child.stdin.end(),
  }
}
