import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, relative, resolve } from "node:path"
import { createInterface } from "node:readline/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { badInput } from "../../exitCodes.ts"
import { note, print } from "../../output.ts"

const from = Flag.String("from").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("A configuration of LLaMA-Factory or Axolotl, or a sweep file of W&B"),
  Flag.optional,
)
const model = Flag.String("model").pipe(Flag.withDescription("The base model: a folder or a hub id"), Flag.optional)
const data = Flag.String("data").pipe(Flag.withDescription("The training data"), Flag.optional)
const evaluation = Flag.String("eval").pipe(
  Flag.withDescription("The eval data; without it, a tenth of the training data"),
  Flag.optional,
)
const memory = Flag.Finite("gpu-memory").pipe(
  Flag.withMetavar("GB"),
  Flag.withDescription("Memory of one GPU in GB; 0: no GPU"),
  Flag.optional,
)
const goal = Flag.Literals("goal", ["quick", "best"]).pipe(
  Flag.withDescription("quick: 8 trials; best: 30, those that fall behind end early"),
  Flag.optional,
)
const out = Flag.String("out").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Where the sweep file goes; 'sweep.yaml' unless given, '-' for standard output"),
  Flag.withDefault("sweep.yaml"),
)
const force = Flag.Boolean("force").pipe(Flag.withDescription("Replace a file that exists"), Flag.withDefault(false))

/** A path as it has to stand in the file at `out`; a hub's id stays as it is. */
const seenFrom = (out: string, path: string): string =>
  out === "-" || !existsSync(path) ? path : relative(dirname(resolve(out)), resolve(path))

/** The answers, in order; asked only where somebody can answer. */
const asking = Effect.acquireRelease(
  Effect.sync(() => createInterface({ input: process.stdin, output: process.stderr })),
  (lines) => Effect.sync(() => lines.close()),
)

const ask = Effect.fnUntraced(function* (
  flag: string,
  question: string,
  given: Option.Option<string>,
  fallback?: string,
) {
  if (Option.isSome(given)) return given.value
  if (process.stdin.isTTY !== true) {
    if (fallback !== undefined) return fallback
    return yield* badInput(`--${flag} is missing: ${question}`)
  }
  const lines = yield* asking
  const shown = fallback === undefined ? `${question} ` : `${question} [${fallback}] `
  const answer = (yield* Effect.promise(() => lines.question(shown))).trim()
  if (answer !== "") return answer
  return fallback ?? (yield* badInput(`--${flag} is missing: ${question}`))
}, Effect.scoped)

const write = Effect.fnUntraced(function* (path: string, text: string, force: boolean) {
  if (path === "-") return yield* print(text.trimEnd())
  if (existsSync(path) && !force)
    return yield* badInput(`${path} exists: name another file with --out, or replace it with --force`)
  yield* Effect.try({
    try: () => writeFileSync(path, text),
    catch: (cause) => badInput(`${path} cannot be written: ${(cause as Error).message}`),
  })
  yield* print(`${path} is written. Look at it: sweep check ${path}; start it: sweep run ${path}`)
})

export const init = Command.make("init", { from, model, data, eval: evaluation, memory, goal, out, force }, (options) =>
  Effect.gen(function* () {
    if (Option.isSome(options.from)) {
      const path = options.from.value
      const { fromConfiguration } = yield* Effect.promise(() => import("../../starting/fromConfiguration.ts"))
      const text = yield* Effect.try({
        try: () => readFileSync(path, "utf8"),
        catch: (cause) =>
          badInput(
            `${path}: ${(cause as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (cause as Error).message}`,
          ),
      })
      const made = yield* Effect.try({
        try: () => fromConfiguration(text, path, options.out),
        catch: (cause) => badInput(`${path} is no YAML: ${(cause as Error).message.split("\n")[0]}`),
      })
      if (made === undefined)
        return yield* badInput(
          `${path} is neither a configuration of LLaMA-Factory (model_name_or_path) or Axolotl (base_model) nor a sweep file of W&B (program, parameters)`,
        )
      return yield* write(options.out, made.text, options.force)
    }
    const { billions } = yield* Effect.promise(() => import("../../starting/modelSize.ts"))
    const { describeData } = yield* Effect.promise(() => import("../../starting/describeData.ts"))
    const { draftSweep } = yield* Effect.promise(() => import("../../starting/draftSweep.ts"))
    const base = yield* ask(
      "model",
      "Which base model? (a folder, or a hub id such as Qwen/Qwen2.5-0.5B-Instruct)",
      options.model,
    )
    const train = yield* ask("data", "Which training data? (a file)", options.data)
    if (!existsSync(train)) return yield* badInput(`${train}: no such file`)
    const gigabytes = Number(
      yield* ask(
        "gpu-memory",
        "How many GB of memory has one GPU? (0: no GPU)",
        Option.map(options.memory, String),
        "0",
      ),
    )
    if (!(gigabytes >= 0)) return yield* badInput(`--gpu-memory ${gigabytes}: expected a number of GB, or 0`)
    const wanted = yield* ask("goal", "quick (8 trials) or best (30)?", options.goal, "quick")
    if (wanted !== "quick" && wanted !== "best") return yield* badInput(`--goal ${wanted}: expected quick or best`)
    const described = yield* Effect.tryPromise({
      try: () => describeData(train),
      catch: (cause) => badInput((cause as Error).message),
    })
    if (described.form === null)
      return yield* badInput(
        `${train} holds no record of a form that is known here; 'sweep data check ${train}' says more`,
      )
    const drafted = draftSweep({
      name: basename(options.out === "-" ? "sweep" : options.out).replace(/\.ya?ml$/, ""),
      model: seenFrom(options.out, base),
      train: seenFrom(options.out, train),
      eval: Option.match(options.eval, { onNone: () => null, onSome: (path) => seenFrom(options.out, path) }),
      form: described.form,
      records: described.records,
      length: described.length,
      size: billions(base),
      memory: gigabytes,
      goal: wanted,
    })
    if ("cannot" in drafted) return yield* badInput(drafted.cannot)
    if (described.records < 50)
      yield* note(
        `${train} has ${described.records} records: too few to tell configurations apart; 'sweep data expand' makes more`,
      )
    yield* write(options.out, drafted.text, options.force)
  }),
).pipe(
  Command.withDescription("Write a first sweep file: for a model and data, or from a configuration you have"),
  Command.withExamples([
    {
      command: "sweep init --model Qwen/Qwen2.5-0.5B --data train.json --gpu-memory 8",
      description: "Ranges for 8 GB, with comments that say why",
    },
    { command: "sweep init --from llama3_lora_sft.yaml", description: "A sweep over a LLaMA-Factory configuration" },
  ]),
)
