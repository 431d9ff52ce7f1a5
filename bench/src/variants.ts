// What each variant costs against LoRA: speed of the training, peak memory of the process, trained and stored weights. The
// real trainer, a process per trial, on a random model (bench/variants/make_model.py). In every round LoRA runs right
// before each variant, and the median of the rounds' ratios counts: on a noisy machine both see the same noise.
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { lacking, peft } from "@sweep/domain/Backend"
import { fromParameters, variants } from "@sweep/domain/TrainingConfig"
import * as Result from "effect/Result"

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const quickstart = join(root, "sweeps/quickstart")
const python = process.env["SWEEP_PYTHON"] ?? join(root, ".venv/bin/python")
const rounds = Number(process.argv[2] ?? 3)
const steps = 8

const place = mkdtempSync(join(tmpdir(), "sweep-bench-variants-"))
process.on("exit", () => rmSync(place, { recursive: true, force: true }))
const model = join(place, "model")
const size = Number(
  execFileSync(python, [join(root, "bench/variants/make_model.py"), join(quickstart, "base-model"), model]),
)

interface Measured {
  readonly tokensPerSecond: number
  readonly peakBytes: number
  readonly trainable: number
  readonly storedBytes: number
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

let runs = 0
const train = (variant: string): Measured => {
  const directory = join(place, `run-${++runs}`)
  mkdirSync(directory)
  const data = { train: join(quickstart, "train.json"), eval: join(place, "eval.json") }
  const parameters = { variant, rank: 16, learning_rate: 1e-4, batch_size: 8, max_length: 96, max_steps: steps }
  const training = Result.getOrThrow(fromParameters({ model, ...data }, { ...parameters, max_samples: 192 }))
  const devices = [{ kind: "cpu", index: 0, threads: 1 }]
  const trial = { contract: 1, sweep: "bench", trial: 1, attempt: 1, epoch: 1, seed: 1, parameters, training, devices }
  writeFileSync(join(directory, "trial.json"), JSON.stringify({ ...trial, probes: [], resume: false }))
  const done = spawnSync(python, ["-m", "sweep_trainer", "run", directory], {
    env: { ...process.env, PYTHONPATH: join(root, "agents/trainer/src"), OMP_NUM_THREADS: "1" },
    encoding: "utf8",
  })
  if (done.status !== 0) throw new Error(`${variant} failed: ${done.stderr}`)
  const lines = readFileSync(join(directory, "events.jsonl"), "utf8").trimEnd().split("\n")
  const events = lines.map((line): Record<string, any> => JSON.parse(line))
  const of = (type: string) => events.filter((event) => event["type"] === type)
  const speeds = of("metrics").flatMap(({ step, values }) =>
    // The first step makes the optimiser's state.
    step > 1 && "train/tokens_per_second" in values ? [Number(values["train/tokens_per_second"])] : [],
  )
  const adapter = join(directory, "adapter")
  const measured = {
    tokensPerSecond: median(speeds),
    peakBytes: of("memory")[0]!["peak_host_bytes"],
    trainable: of("started")[0]!["trainable_parameters"],
    storedBytes: readdirSync(adapter).reduce((sum, name) => sum + statSync(join(adapter, name)).size, 0),
  }
  rmSync(directory, { recursive: true })
  return measured
}

writeFileSync(
  join(place, "eval.json"),
  JSON.stringify(JSON.parse(readFileSync(join(quickstart, "eval.json"), "utf8")).slice(0, 8)),
)
// Only what the training itself costs: objectives and posts train like the variant they are built on.
const names = Object.entries(variants).flatMap(([name, { objective, post, ...variant }]) => {
  // MokA is for models that read images.
  if (objective !== undefined || post !== undefined || name === "lora" || name === "moka") return []
  const config = fromParameters({ model: "", train: "", eval: "" }, { variant: name })
  return Result.isSuccess(config) && lacking(peft, config.success).length === 0 ? [{ name, ...variant }] : []
})
const pairs = new Map<string, Array<readonly [Measured, Measured]>>()
for (let round = 1; round <= rounds; round++) {
  for (const { name } of names) {
    const pair = [train("lora"), train(name)] as const
    pairs.set(name, [...(pairs.get(name) ?? []), pair])
    const [lora, own] = pair
    console.log(
      `round ${round}  ${name.padEnd(10)} ${own.tokensPerSecond.toFixed(0)} tokens/s, LoRA ${lora.tokensPerSecond.toFixed(0)}`,
    )
  }
}

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20)
const compared = Object.fromEntries(
  Array.from(pairs, ([name, measured]) => {
    const [lora, own] = measured.at(-1)!
    return [
      name,
      {
        speed_to_lora: Number(median(measured.map(([l, o]) => o.tokensPerSecond / l.tokensPerSecond)).toFixed(2)),
        peak_mib_over_lora: median(measured.map(([l, o]) => mib(o.peakBytes) - mib(l.peakBytes))),
        trainable: own.trainable,
        stored_to_lora: Number((own.storedBytes / lora.storedBytes).toFixed(2)),
      },
    ]
  }),
)
const lora = [...pairs.values()].flat().map(([own]) => own)
console.log(
  JSON.stringify({
    name: "variants",
    parameters: size,
    lora: {
      tokens_per_second: Math.round(median(lora.map((one) => one.tokensPerSecond))),
      peak_mib: mib(median(lora.map((one) => one.peakBytes))),
      trainable: lora[0]!.trainable,
    },
    variants: compared,
  }),
)
