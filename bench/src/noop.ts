// What a trial costs that does nothing, two at a time: ours on an agent of this machine and on one that joined over TLS,
// Optuna with a subprocess, Ray Tune, whose trials have processes of their own. The trial is a Python program that writes
// one value; the frameworks' own start is not counted.
//
//   npm run bench -- noop [trials]
import { execFileSync, type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { median } from "./median.ts"
import { root } from "./root.ts"

const rounds = 3
const goals = { ray: 25, optuna: 2 }
const requirements = `${root}/bench/noop/requirements.txt`
const environment = process.env["SWEEP_NOOP_ENV"] ?? `${root}/.venv-noop`
const program = join(root, "packages/cli/dist/sweep.mjs")
const trials = Number(process.argv[2] ?? 100)
/** Ray takes a second for each. */
const rayTrials = Math.min(trials, 20)

const prepare = (): string => {
  const python = `${environment}/bin/python`
  const stamp = `${environment}/requirements.txt`
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === readFileSync(requirements, "utf8")) return python
  console.error(`preparing Ray's and Optuna's environment (${environment}), once …`)
  if (!existsSync(python)) execFileSync("python3", ["-m", "venv", environment], { stdio: ["ignore", 2, 2] })
  execFileSync(python, ["-m", "pip", "install", "-q", "-r", requirements], { stdio: ["ignore", 2, 2] })
  writeFileSync(stamp, readFileSync(requirements))
  return python
}

const python = prepare()
const theirs = (which: "optuna" | "ray", count: number): number =>
  Number(
    execFileSync(python, [`${root}/bench/noop/driver.py`, which, String(count)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, OMP_NUM_THREADS: "1" },
    })
      .trim()
      .split("\n")
      .at(-1),
  )

const trial = `${root}/bench/noop/trial.py`
const sweepFile = (name: string, count: number) => `
name: ${name}
trainer: command
command: [${JSON.stringify(python)}, -S, ${JSON.stringify(trial)}, "\${args}"]
metric: {name: loss, goal: minimize}
method: random
budget: {trials: ${count}}
parameters: {x: {distribution: uniform, min: 0, max: 1}}
`

/** Seconds a trial, each round a sweep of its own. */
const ours = async (secured: boolean): Promise<ReadonlyArray<number>> => {
  const place = mkdtempSync(join(tmpdir(), "sweep-noop-"))
  const started: Array<ChildProcess> = []
  const env = { ...process.env, SWEEP_HOME: join(place, "state"), SWEEP_COORDINATOR: "" }
  const run = (args: ReadonlyArray<string>) =>
    execFileSync(process.execPath, [program, ...args], {
      env,
      cwd: place,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    })
  const start = (args: ReadonlyArray<string>, home: string, until: RegExp): Promise<RegExpExecArray> => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...env, SWEEP_HOME: home }, cwd: place })
    started.push(child)
    let said = ""
    return new Promise((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk.toString()
        const found = until.exec(said)
        if (found !== null) resolve(found)
      }
      child.stdout.on("data", hear)
      child.stderr.on("data", hear)
      child.once("exit", () => reject(new Error(said)))
    })
  }
  try {
    if (secured) run(["certs"])
    const serve = ["serve", "--port", "0", "--no-web", ...(secured ? ["--tls"] : [])]
    const [, how] = await start(serve, env.SWEEP_HOME, /sweep agent (--(?:join|coordinator) \S+)\n/)
    const agent = ["agent", ...how!.split(" "), "--slots", "2", "--allow-commands"]
    await start(agent, join(place, "agent"), /connected to the coordinator/)
    const seconds = []
    for (let round = 0; round <= rounds; round++) {
      const name = `noop-${round}`
      const file = join(place, `${name}.yaml`)
      writeFileSync(file, sweepFile(name, trials))
      run(["run", file, "--detach"])
      run(["watch", name])
      const sql = `SELECT epoch_ms(max(ended_at)) - epoch_ms(min(created_at)) AS ms, count(*) FILTER (WHERE state = 'completed') AS done FROM trials WHERE sweep = '${name}'`
      const [{ ms, done }] = JSON.parse(run(["query", sql, "--json"])) as [{ ms: number; done: number }]
      if (Number(done) !== trials) throw new Error(`${done} of ${trials} trials of ${name} completed`)
      // The first fills caches.
      if (round > 0) seconds.push(Number(ms) / 1_000 / trials)
    }
    return seconds
  } finally {
    for (const child of started) child.kill("SIGKILL")
    rmSync(place, { recursive: true, force: true, maxRetries: 10 })
  }
}

const local = median(Array.from(await ours(false)))
const remote = median(Array.from(await ours(true)))
const optuna = median(Array.from({ length: rounds }, () => theirs("optuna", trials)))
const ray = theirs("ray", rayTrials)
const slower = Math.max(local, remote)
const line = (name: string, seconds: number) =>
  console.error(`${name.padEnd(22)} ${(seconds * 1_000).toFixed(1).padStart(8)} ms a trial`)
line("sweep, this machine", local)
line("sweep, joined over TLS", remote)
line("Optuna, subprocess", optuna)
line("Ray Tune", ray)
const ok = ray / slower >= goals.ray && slower / optuna <= goals.optuna
console.log(
  JSON.stringify({
    bench: "noop",
    trials,
    local_ms: local * 1_000,
    remote_ms: remote * 1_000,
    optuna_ms: optuna * 1_000,
    ray_ms: ray * 1_000,
    ray_ratio: ray / slower,
    optuna_ratio: slower / optuna,
    ok,
  }),
)
process.exit(ok ? 0 : 1)
