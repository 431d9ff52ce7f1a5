// What a call of `run.log` costs, beside other trackers writing to the local disk: W&B offline, MLflow (SQLite),
// TensorBoard's event writer, Trackio. Each logs three metrics a step from a process of its own; another process of each
// is killed after the last call, and the steps that are on the disk then say how durable a call is.
//
//   npm run bench -- log [steps]
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "./root.ts"

const requirements = `${root}/bench/log/requirements.txt`
const environment = `${root}/.venv-trackers`
const driver = `${root}/bench/log/driver.py`

const prepare = (): string => {
  const python = `${environment}/bin/python`
  const stamp = `${environment}/requirements.txt`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === readFileSync(requirements, "utf8")) return python
  console.error("preparing the trackers' environment (.venv-trackers), once …")
  if (!existsSync(python)) execFileSync("python3", ["-m", "venv", environment], { stdio: ["ignore", 2, 2] })
  execFileSync(python, ["-m", "pip", "install", "-q", "-r", requirements], { stdio: ["ignore", 2, 2] })
  writeFileSync(stamp, readFileSync(requirements))
  return python
}

const python = prepare()
const steps = Number(process.argv[2] ?? 2_000)
// MLflow needs a hundred times as long.
const stepsOf = (tracker: string): number => (tracker === "mlflow" ? Math.min(steps, 300) : steps)

const run = (tracker: string, mode: "time" | "kill" | "count", directory: string): string => {
  const done = spawnSync(python, [driver, tracker, String(stepsOf(tracker)), mode, directory], {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, PYTHONPATH: `${root}/agents/python/src`, HF_HUB_OFFLINE: "1" },
  })
  if (mode !== "kill" && done.status !== 0) throw new Error(`${tracker} ${mode}: ${done.stderr}`)
  return done.stdout.trimEnd().split("\n").at(-1) ?? ""
}

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!

const inFolder = <A>(use: (directory: string) => A): A => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-log-"))
  try {
    return use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const rounds = 3
const results = ["sweep", "wandb", "mlflow", "tensorboard", "trackio"].map((tracker) => {
  const n = stepsOf(tracker)
  const timed = Array.from({ length: rounds }, () =>
    inFolder((at) => JSON.parse(run(tracker, "time", at)) as { calls: ReadonlyArray<number>; total: number }),
  )
  const calls = timed.flatMap((round) => round.calls).sort((a, b) => a - b)
  const total = Math.min(...timed.map((round) => round.total))
  const kept = inFolder((at) => {
    run(tracker, "kill", at)
    return (JSON.parse(run(tracker, "count", at)) as { steps: number }).steps
  })
  const line = {
    tracker,
    steps: n,
    median_us: Math.round(quantile(calls, 0.5) * 1e7) / 10,
    p99_us: Math.round(quantile(calls, 0.99) * 1e7) / 10,
    points_per_second: Math.round((3 * n) / total),
    kept_after_kill: kept / n,
  }
  console.error(
    `${tracker.padEnd(12)} median ${line.median_us} µs   99 % ${line.p99_us} µs   ${line.points_per_second} points/s until written   ${Math.round(100 * line.kept_after_kill)} % of steps kept after SIGKILL`,
  )
  return line
})

const durable = results.filter(({ kept_after_kill }) => kept_after_kill === 1)
const fastest = durable.reduce((a, b) => (b.points_per_second > a.points_per_second ? b : a))
console.log(JSON.stringify({ bench: "log", trackers: results, fastest_durable: fastest.tracker }))
process.exit(fastest.tracker === "sweep" ? 0 : 1)
