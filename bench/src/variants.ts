// What each variant costs against LoRA: speed of the training, peak memory of the process, trained and stored weights. The
// real trainer, a process per trial, on a random model (bench/variants/make_model.py). In every round LoRA runs right
// before each variant, and the median of the rounds' ratios counts: on a noisy machine both see the same noise. An objective
// or a post trains like LoRA, and what it costs once, before or after, is given in steps of that training: upft's
// sampling, of one answer to each of 192 questions, and norm's decompositions.
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { environment, makePlace, mib, python, trainedVariants } from "./variantTrial.ts"
import { median } from "./median.ts"

const rounds = Number(process.argv[2] ?? 3)
const { parameters, writeTrial } = makePlace("variants")

interface Measured {
  readonly tokensPerSecond: number
  readonly peakBytes: number
  readonly trainable: number
  readonly storedBytes: number
  readonly secondsPerStep: number
  /** Encoding, and with upft sampling. */
  readonly dataSeconds: number
  /** 0 without a post. */
  readonly postSeconds: number
}

const steps = 8

const train = (variant: string): Measured => {
  const directory = writeTrial(variant, { max_steps: steps })
  const done = spawnSync(python, ["-m", "sweep_trainer", "run", directory], {
    env: environment,
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
  const [started, finished] = [of("started")[0]!, of("finished")[0]!]
  const measured = {
    tokensPerSecond: median(speeds),
    peakBytes: of("memory")[0]!["peak_host_bytes"],
    trainable: started["trainable_parameters"],
    storedBytes: readdirSync(adapter).reduce((sum, name) => sum + statSync(join(adapter, name)).size, 0),
    secondsPerStep: finished["timings"]["train_seconds"] / steps,
    dataSeconds: started["timings"]["data_seconds"],
    postSeconds: of("post")[0]?.["seconds"] ?? 0,
  }
  rmSync(directory, { recursive: true })
  return measured
}

const names = trainedVariants.filter((name) => name !== "lora")
const pairs = new Map<string, Array<readonly [Measured, Measured]>>()
const once = { upft: [] as Array<number>, norm: [] as Array<number> }
for (let round = 1; round <= rounds; round++) {
  for (const name of names) {
    const pair = [train("lora"), train(name)] as const
    pairs.set(name, [...(pairs.get(name) ?? []), pair])
    const [lora, own] = pair
    console.log(
      `round ${round}  ${name.padEnd(10)} ${own.tokensPerSecond.toFixed(0)} tokens/s, LoRA ${lora.tokensPerSecond.toFixed(0)}`,
    )
  }
  const [lora, upft, norm] = [train("lora"), train("upft"), train("lora+norm")]
  once.upft.push((upft.dataSeconds - lora.dataSeconds) / lora.secondsPerStep)
  once.norm.push(norm.postSeconds / lora.secondsPerStep)
  console.log(`round ${round}  upft ${once.upft.at(-1)!.toFixed(1)} steps, norm ${once.norm.at(-1)!.toFixed(1)} steps`)
}

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
    parameters,
    lora: {
      tokens_per_second: Math.round(median(lora.map((one) => one.tokensPerSecond))),
      peak_mib: mib(median(lora.map((one) => one.peakBytes))),
      trainable: lora[0]!.trainable,
    },
    variants: compared,
    steps_of_lora: {
      upft_sampling: Number(median(once.upft).toFixed(1)),
      norm: Number(median(once.norm).toFixed(1)),
    },
  }),
)
