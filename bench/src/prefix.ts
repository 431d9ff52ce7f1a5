// What it saves to train the common beginning of trials once: a grid of rank, alpha, learning rate and epochs, as one
// sweep, where the longer trials resume from the shorter ones, against a sweep for each number of epochs, where nothing
// shares its prefix. Both are `sweep run` in a process of its own: the real coordinator, agent and trainer. The results have to
// be the same to the bit: every reported value of every step but the speed. Steps are counted that were trained: where a
// trial ended less where it resumed from. At least 1.7 times fewer is the target.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "./root.ts"

const program = join(root, "packages/cli/dist/sweep.mjs")
const quickstart = join(root, "sweeps/quickstart")
const target = 1.7
const epochs = [1, 2, 3]

const place = mkdtempSync(join(tmpdir(), "sweep-bench-prefix-"))
process.on("exit", () => rmSync(place, { recursive: true, force: true }))

const sweep = (home: string, ...args: ReadonlyArray<string>): string => {
  const done = spawnSync(process.execPath, [program, ...args], {
    cwd: place,
    env: { ...process.env, SWEEP_HOME: home },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  })
  if (done.status !== 0) throw new Error(`sweep ${args.join(" ")} ended with ${done.status}: ${done.stderr}`)
  return done.stdout
}

const fileOf = (name: string, searched: ReadonlyArray<number>): string => {
  const file = join(place, `${name}.yaml`)
  writeFileSync(
    file,
    JSON.stringify({
      name,
      model: join(quickstart, "base-model"),
      data: { train: join(quickstart, "train.json"), eval: join(quickstart, "eval.json") },
      metric: { name: "eval/loss", goal: "minimize" },
      method: "grid",
      parameters: {
        rank: { values: [4, 8] },
        alpha: { values: [8, 16] },
        learning_rate: { values: [1e-3, 3e-3] },
        epochs: { values: searched },
        max_samples: { value: 128 },
        max_length: { value: 96 },
        schedule: { value: "constant" },
        warmup_ratio: { value: 0 },
      },
    }),
  )
  return file
}

interface Side {
  readonly trials: number
  readonly steps: number
  readonly trainSeconds: number
  readonly seconds: number
  /** By parameters: the objective and every reported value, as text. */
  readonly results: ReadonlyMap<string, string>
}

const run = (name: string, sweeps: ReadonlyArray<ReadonlyArray<number>>): Side => {
  const home = join(place, name)
  mkdirSync(home)
  const started = performance.now()
  sweeps.forEach((searched, i) => sweep(home, "run", fileOf(`${name}-${i + 1}`, searched)))
  const seconds = (performance.now() - started) / 1000
  const rows = (query: string): ReadonlyArray<Record<string, any>> => JSON.parse(sweep(home, "query", "--json", query))
  const trials = rows("SELECT sweep, trial, parameters, state, objective FROM trials")
  const unfinished = trials.filter(({ state }) => state !== "completed")
  if (unfinished.length > 0) throw new Error(`not completed: ${JSON.stringify(unfinished)}`)
  const [total] = rows(`
    SELECT sum(CAST(f.body->>'step' AS INTEGER) - CAST(s.body->>'shared_steps' AS INTEGER)) AS steps,
      sum(CAST(f.body->'timings'->>'train_seconds' AS DOUBLE)) AS train_seconds
    FROM events f JOIN events s USING (sweep, trial, attempt) WHERE f.type = 'finished' AND s.type = 'started'`)
  const reported = rows(`
    SELECT sweep, trial, CAST(list([metric, CAST(step AS VARCHAR), CAST(value AS VARCHAR)] ORDER BY metric, step) AS VARCHAR) AS curves
    FROM metrics WHERE metric != 'train/tokens_per_second' GROUP BY sweep, trial`)
  if (reported.length !== trials.length) throw new Error(`${trials.length} trials, and curves of ${reported.length}`)
  const curves = new Map(reported.map((row) => [`${row["sweep"]}/${row["trial"]}`, row["curves"]]))
  return {
    trials: trials.length,
    steps: Number(total!["steps"]),
    trainSeconds: Number(total!["train_seconds"]),
    seconds,
    results: new Map(
      trials.map((row) => {
        const parameters = Object.entries(row["parameters"]).sort(([a], [b]) => (a < b ? -1 : 1))
        return [JSON.stringify(parameters), `${row["objective"]} ${curves.get(`${row["sweep"]}/${row["trial"]}`)}`]
      }),
    ),
  }
}

const shown = ({ trials, steps, trainSeconds, seconds }: Side): string =>
  `${trials} trials, ${steps} steps trained in ${trainSeconds.toFixed(1)} s, ${seconds.toFixed(0)} s in all`
const apart = run(
  "apart",
  epochs.map((one) => [one]),
)
console.log(`apart   ${shown(apart)}`)
const shared = run("shared", [epochs])
console.log(`shared  ${shown(shared)}`)
const different = Array.from(apart.results).filter(([parameters, result]) => shared.results.get(parameters) !== result)
for (const [parameters] of different) console.log(`another result: ${parameters}`)
const ratio = apart.steps / shared.steps
const same = different.length === 0 && apart.results.size === shared.results.size
console.log(
  JSON.stringify({
    name: "prefix",
    ratio: Number(ratio.toFixed(2)),
    target,
    steps_apart: apart.steps,
    steps_shared: shared.steps,
    train_seconds_ratio: Number((apart.trainSeconds / shared.trainSeconds).toFixed(2)),
    wall_ratio: Number((apart.seconds / shared.seconds).toFixed(2)),
    trials: shared.trials,
    same_results: same,
    ok: same && ratio >= target,
  }),
)
