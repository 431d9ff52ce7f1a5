// What the trainer costs beside the script that a person writes with PEFT and transformers (bench/train/plain.py), for each
// variant: tokens/s and peak memory, of the same model, tokens, order and settings. Both sides are processes of their own
// and measured alike, at every optimiser step from outside (bench/train/measured.py), so that whatever lies between two
// steps counts: logging, events, control. That both do the same is seen in their losses, which have to agree to 0.01 % at the
// first steps, where rounding has not yet grown; but for AdaLoRA, whose loss PEFT reports with the orthogonality term.
//
// Both have one thread, and seconds are CPU seconds: on a machine with other work that is the time they take on one
// without. The two sides take turns at going first, and the median of the rounds' ratios counts. At most 5 % more time or
// memory is the target. `npm run bench -- train [ROUNDS] [VARIANT …]`
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { environment, makePlace, mib, python, trainedVariants } from "./variantTrial.ts"
import { root } from "./root.ts"
import { median } from "./median.ts"

const rounds = Number(process.argv[2] ?? 3)
const chosen = process.argv.slice(3)
const most = 1.05
const steps = 8
const lossTolerance = 1e-4
const { parameters, writeTrial } = makePlace("train")

interface Measured {
  /** Of all steps but the first, which makes the optimiser's state. */
  readonly cpuSeconds: number
  readonly wallSeconds: number
  readonly peakBytes: number
  /** Of each step. */
  readonly losses: ReadonlyArray<number>
  /** Of the same steps; only the plain side counts them, and both have the same. */
  readonly tokens: number
}

const lines = (file: string): ReadonlyArray<Record<string, any>> =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

const run = (side: "ours" | "plain", variant: string): Measured => {
  const directory = writeTrial(variant, { max_steps: steps, schedule: "constant", warmup_ratio: 0 })
  const target = join(directory, "measured.jsonl")
  const program =
    side === "ours"
      ? ["-m", "sweep_trainer", "run", directory]
      : [join(root, "bench/train/plain.py"), join(directory, "trial.json")]
  const done = spawnSync(python, [join(root, "bench/train/measured.py"), target, ...program], {
    env: environment,
    encoding: "utf8",
  })
  if (done.status !== 0) throw new Error(`${variant}, ${side}, failed: ${done.stderr}`)
  const moments = lines(target)
  if (moments.length !== steps) throw new Error(`${variant}, ${side}: ${moments.length} steps instead of ${steps}`)
  const spent = (name: string): number => moments.at(-1)![name] - moments[0]![name]
  const said = side === "plain" ? JSON.parse(done.stdout.trimEnd().split("\n").at(-1)!) : null
  const losses =
    said !== null
      ? said.losses
      : lines(join(directory, "events.jsonl")).flatMap(({ type, values }) =>
          type === "metrics" && "train/loss" in values ? [values["train/loss"]] : [],
        )
  rmSync(directory, { recursive: true })
  return {
    cpuSeconds: spent("cpu"),
    wallSeconds: spent("wall"),
    peakBytes: moments.at(-1)!["peak"],
    losses,
    tokens: said === null ? 0 : said.tokens,
  }
}

const compared: Record<string, Record<string, number>> = {}
const problems: Array<string> = []
for (const variant of trainedVariants.filter((name) => chosen.length === 0 || chosen.includes(name))) {
  const pairs = Array.from({ length: rounds }, (_, round) => {
    if (round % 2 === 0) return { ours: run("ours", variant), plain: run("plain", variant) }
    const plain = run("plain", variant)
    return { ours: run("ours", variant), plain }
  })
  const ratio = (of: (side: Measured) => number) => median(pairs.map(({ ours, plain }) => of(ours) / of(plain)))
  const { ours, plain } = pairs[0]!
  const apart = Math.max(...[0, 1, 2].map((i) => Math.abs(ours.losses[i]! / plain.losses[i]! - 1)))
  const [time, memory] = [ratio(({ cpuSeconds }) => cpuSeconds), ratio(({ peakBytes }) => peakBytes)]
  if (time > most) problems.push(`${variant}: ${time.toFixed(3)} times the time`)
  if (memory > most) problems.push(`${variant}: ${memory.toFixed(3)} times the memory`)
  if (variant !== "adalora" && !(apart <= lossTolerance))
    problems.push(`${variant}: the losses differ by ${(100 * apart).toFixed(2)} %`)
  const speed = (of: "ours" | "plain") => Math.round(median(pairs.map((pair) => plain.tokens / pair[of].cpuSeconds)))
  compared[variant] = {
    time: Number(time.toFixed(3)),
    wall: Number(ratio(({ wallSeconds }) => wallSeconds).toFixed(3)),
    memory: Number(memory.toFixed(3)),
    tokens_per_second: speed("ours"),
    plain_tokens_per_second: speed("plain"),
    peak_mib: mib(median(pairs.map((pair) => pair.ours.peakBytes))),
    plain_peak_mib: mib(median(pairs.map((pair) => pair.plain.peakBytes))),
    losses_differ: Number(apart.toPrecision(2)),
  }
  console.log(`${variant.padEnd(10)} ${JSON.stringify(compared[variant])}`)
}
for (const problem of problems) console.log(problem)
console.log(
  JSON.stringify({
    name: "train",
    ratio: Math.max(...Object.values(compared).map(({ time }) => time!)),
    target: most,
    memory_ratio: Math.max(...Object.values(compared).map(({ memory }) => memory!)),
    parameters,
    rounds,
    variants: compared,
    ok: problems.length === 0,
  }),
)
