// Makes bench/data/response-table.json.gz: real trials of the quickstart model by the trainer contract, one after the
// other in one warm host on one CPU thread. `nice -n 19 node bench/src/makeResponseTable.ts [--trials N] [--shard 1/2]
// [--pack]`; resumable: finished trials stand in .sweep/response-table, a line each, and are not run again.
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as readline from "node:readline"
import type { Readable, Writable } from "node:stream"
import { parseArgs } from "node:util"
import { gzipSync } from "node:zlib"
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import { fromParameters } from "@sweep/domain/TrainingConfig"
import { hash, trialSeed } from "@sweep/search/Random"
import * as Result from "effect/Result"
import { file, type ResponseTable, type TableTrial } from "./responseTable.ts"
import { root } from "./root.ts"

const { values } = parseArgs({
  options: {
    trials: { type: "string" },
    pack: { type: "boolean", default: false },
    python: { type: "string" },
    model: { type: "string" },
    shard: { type: "string", default: "1/1" },
  },
})

const quickstart = `${root}/sweeps/quickstart`
const folder = `${root}/.sweep/response-table`
const [shard, shards] = values.shard.split("/").map(Number) as [number, number]
const log = `${folder}/trials-${shard}.jsonl`
const python = values.python ?? `${root}/.venv/bin/python`

const dimensions: ResponseTable["dimensions"] = [
  { name: "rank", values: [2, 8, 32] },
  { name: "alpha", values: [8, 16, 32, 64] },
  { name: "learning_rate", values: [0.0003, 0.001, 0.003, 0.01, 0.03] },
  { name: "epochs", values: [1, 2, 3, 6] },
  { name: "dropout", values: [0, 0.2] },
]
/** Small enough for 480 trials in an hour of one core, and for the larger learning rates to overfit. */
const held = { max_samples: 96, batch_size: 16, evals_per_epoch: 1, max_length: 96 }

const grid = dimensions.reduce<ReadonlyArray<Parameters>>(
  (sets, { name, values: list }) => sets.flatMap((set) => list.map((value) => ({ ...set, [name]: value }))),
  [{}],
)
// In a shuffled order, so that a part of the table is a fair sample of it.
const order = grid.toSorted((a, b) => hash(1, 0, canonicalText(a)) - hash(1, 0, canonicalText(b)))

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex")
const model = values.model ?? `${quickstart}/base-model`
/** What the trials rest on: a line made with something else is not used. */
const hashes = (): Record<string, string> => ({
  "train.json": sha256(`${quickstart}/train.json`),
  "eval.json": sha256(`${quickstart}/eval.json`),
  "base-model/model.safetensors": sha256(`${model}/model.safetensors`),
  "base-model/tokenizer.json": sha256(`${model}/tokenizer.json`),
})

const basis = JSON.stringify([hashes(), held])

interface Line {
  readonly trial: TableTrial
  readonly versions: Record<string, string>
  readonly basis: string
}
const done = (): ReadonlyArray<Line> =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(`${folder}/${name}`, "utf8").split("\n"))
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.basis === basis)

const pack = (): void => {
  const lines = done()
  const table: ResponseTable = {
    format: 1,
    made: { versions: lines[0]!.versions, files: hashes(), held, threads: 1 },
    dimensions,
    trials: lines
      .map(({ trial }) => trial)
      .sort((a, b) => (canonicalText(a.parameters) < canonicalText(b.parameters) ? -1 : 1)),
  }
  writeFileSync(file, gzipSync(JSON.stringify(table), { level: 9 }))
  console.log(`${table.trials.length} trials in ${fileURLToPath(file)}`)
}

/** Four significant digits: below the noise between two seeds, and a third of the size. */
const short = (value: number | string): number | string =>
  typeof value === "string" ? value : Number(value.toPrecision(5))

/** What events.jsonl says of an attempt. */
const readEvents = (directory: string, parameters: Parameters, seed: number): Line => {
  const events = readFileSync(`${directory}/events.jsonl`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const steps = new Map<number, { epoch: number; train: number | string | null; eval: number | string | null }>()
  let status: TableTrial["status"] = "failed"
  let seconds = 0
  let versions = {}
  for (const event of events) {
    if (event["type"] === "started") versions = event["versions"] as object
    if (event["type"] === "finished") {
      status = "finished"
      seconds = (event["timings"] as { total_seconds?: number } | undefined)?.total_seconds ?? 0
    }
    if (event["type"] !== "metrics") continue
    const step = event["step"] as number
    const at = steps.get(step) ?? { epoch: 0, train: null, eval: null }
    const found = event["values"] as Record<string, number | string>
    if (typeof event["epoch"] === "number") at.epoch = event["epoch"]
    if (found["train/loss"] !== undefined) at.train = short(found["train/loss"])
    if (found["eval/loss"] !== undefined) at.eval = short(found["eval/loss"])
    if (at.train !== null || at.eval !== null) steps.set(step, at)
  }
  const rows = Array.from(steps).sort(([a], [b]) => a - b)
  const trial: TableTrial = {
    parameters,
    seed,
    status,
    seconds: Number(seconds.toPrecision(3)),
    step: rows.map(([step]) => step),
    epoch: rows.map(([, { epoch }]) => Number(epoch.toPrecision(5))),
    train_loss: rows.map(([, { train }]) => train),
    eval_loss: rows.map(([, { eval: value }]) => value),
  }
  return { trial, versions, basis }
}

const startHost = () => {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(python, ["-m", "sweep_trainer", "host"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      ...process.env,
      PYTHONPATH: `${root}/agents/trainer/src`,
      OMP_NUM_THREADS: "1",
      MKL_NUM_THREADS: "1",
      CUDA_VISIBLE_DEVICES: "",
    },
  })
  return { child, lines: readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

const run = async (): Promise<void> => {
  const known = new Set(done().map(({ trial }) => canonicalText(trial.parameters)))
  const left = order
    .filter((set, i) => i % shards === shard - 1 && !known.has(canonicalText(set)))
    .slice(0, Number(values.trials ?? grid.length))
  let host: ReturnType<typeof startHost> | undefined
  for (const [i, parameters] of left.entries()) {
    const seed = trialSeed(7, 1)
    const training = fromParameters(
      { model, train: `${quickstart}/train.json`, eval: `${quickstart}/eval.json` },
      { ...held, ...parameters },
    )
    if (Result.isFailure(training)) throw new Error(training.failure.message)
    const directory = `${folder}/attempt-${shard}`
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    writeFileSync(
      `${directory}/trial.json`,
      JSON.stringify({
        contract: 1,
        sweep: "response-table",
        trial: i + 1,
        attempt: 1,
        epoch: 1,
        seed,
        parameters,
        training: training.success,
        metric: { name: "eval/loss", goal: "minimize" },
        probes: [],
        devices: [{ kind: "cpu", index: 0, threads: 1 }],
        resume: false,
      }),
    )
    if (host === undefined) {
      host = startHost()
      await host.lines.next()
    }
    host.child.stdin.write(`${JSON.stringify({ type: "run", directory })}\n`)
    const reply = await host.lines.next()
    const status = reply.done === true ? "gone" : (JSON.parse(reply.value) as { status: string }).status
    const line = readEvents(directory, parameters, seed)
    if (status !== "finished" && !readFileSync(`${directory}/events.jsonl`, "utf8").includes('"diverged"')) {
      throw new Error(`trial ${JSON.stringify(parameters)} ended as ${status}; see ${directory}`)
    }
    appendFileSync(log, `${JSON.stringify(line)}\n`)
    // After a failure the host leaves.
    if (status !== "finished") host = undefined
    console.log(
      `${known.size + i + 1}/${grid.length} ${JSON.stringify(parameters)} ${line.trial.status} ${line.trial.seconds} s`,
    )
    if ((i + 1) % 50 === 0 && shard === 1) pack()
  }
  host?.child.stdin.end()
}

if (!values.pack) await run()
pack()
