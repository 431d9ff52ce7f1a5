// `sweep data`: what is in a data file, and a data file in another form, in two, or with more examples.
import { existsSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { badInput, unavailable } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, print, printJson, printLines } from "../../output.ts"

const file = Argument.String("FILE").pipe(
  Argument.withDescription("Training data: JSON, JSON lines, CSV, TSV or Parquet"),
)

const readable = (path: string) =>
  Effect.suspend(() => {
    if (!existsSync(path)) {
      const hub = /^[\w.-]+\/[\w.-]+$/.test(path)
        ? " A data set of a hub has to be downloaded first: hf download --repo-type dataset ID"
        : ""
      return Effect.fail(badInput(`${path}: no such file.${hub}`))
    }
    return statSync(path).isDirectory()
      ? Effect.fail(badInput(`${path} is a directory; expected a data file`))
      : Effect.void
  })

const attempt = <A>(work: () => Promise<A>) =>
  Effect.tryPromise({ try: work, catch: (cause) => badInput((cause as Error).message) })

const check = Command.make(
  "check",
  {
    file,
    eval: Flag.String("eval").pipe(
      Flag.withDescription("An eval file: which of its examples are trained on, too"),
      Flag.optional,
    ),
    model: Flag.String("model").pipe(
      Flag.withDescription("The folder of the base model: lengths by its tokenizer"),
      Flag.optional,
    ),
    maxLength: Flag.Int("max-length").pipe(Flag.withDescription("The cut-off in tokens"), Flag.withDefault(512)),
    json: flags.json,
  },
  (options) =>
    Effect.gen(function* () {
      const { checkFile } = yield* Effect.promise(() => import("../../data/checkFile.ts"))
      const { estimated, ofModel } = yield* Effect.promise(() => import("../../data/tokenLengths.ts"))
      const evalPath = Option.getOrNull(options.eval)
      yield* readable(options.file)
      if (evalPath !== null) yield* readable(evalPath)
      const lengths = Option.match(options.model, { onNone: () => estimated, onSome: ofModel })
      const report = yield* attempt(() =>
        checkFile(options.file, { evalPath, maxLength: options.maxLength, lengths, most: options.json ? 1000 : 8 }),
      ).pipe(Effect.ensuring(Effect.sync(() => lengths.close())))
      if (options.json) yield* printJson(report)
      else {
        const { renderReport } = yield* Effect.promise(() => import("../../data/renderReport.ts"))
        yield* printLines(renderReport(report, options.maxLength))
      }
      const errors = report.defects.filter(({ severity }) => severity === "error")
      const count = errors.reduce((sum, group) => sum + group.count, 0)
      if (count > 0) return yield* badInput(`${options.file}: ${count} errors`)
      if (report.records === 0) return yield* badInput(`${options.file} holds no records`)
    }),
).pipe(
  Command.withDescription(
    "Find what is wrong with training data: fields, empty answers, duplicates, lengths, languages",
  ),
  Command.withExamples([
    {
      command: "sweep data check train.json --eval eval.json",
      description: "Also says which eval examples are trained on",
    },
  ]),
)

const convert = Command.make(
  "convert",
  {
    file,
    to: Flag.Literals("to", ["alpaca", "sharegpt", "openai", "preference", "kto", "text"]).pipe(
      Flag.withDescription("The form of the records"),
      Flag.withDefault("alpaca" as const),
    ),
    out: Flag.String("out").pipe(Flag.withDescription("Where to: a .json, .jsonl or .csv file")),
    json: flags.json,
  },
  ({ file, to, out, json }) =>
    Effect.gen(function* () {
      const { convertFile } = yield* Effect.promise(() => import("../../data/convertFile.ts"))
      yield* readable(file)
      yield* writable(out)
      const done = yield* attempt(() => convertFile(file, to, out))
      if (json) yield* printJson({ ...done, to, out })
      else {
        yield* print(`${out}: ${done.written} ${to} records, from ${done.from}`)
        const { count, records } = done.left
        if (count > 0)
          yield* note(
            `${count} records were left out, which ${to} cannot say or which have defects: ${records.join(", ")}${count > records.length ? " …" : ""}`,
          )
      }
      if (done.written === 0) return yield* badInput(`no record of ${file} could be converted to ${to}`)
    }),
).pipe(
  Command.withDescription("Write training data in another form: Alpaca, ShareGPT, OpenAI messages, preferences"),
  Command.withExamples([
    { command: "sweep data convert chat.parquet --to alpaca --out chat.json", description: "Parquet to Alpaca" },
  ]),
)

const writable = (out: string) =>
  /\.(json|jsonl|ndjson|csv)$/i.test(out)
    ? Effect.void
    : Effect.fail(badInput(`${out}: expected a name that ends in .json, .jsonl or .csv`))

const split = Command.make(
  "split",
  {
    file,
    fraction: Flag.Finite("fraction").pipe(Flag.withDescription("The share set aside"), Flag.withDefault(0.1)),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Another seed, another split"), Flag.withDefault(7)),
    train: Flag.String("train").pipe(Flag.withDescription("Where the larger part goes"), Flag.optional),
    eval: Flag.String("eval").pipe(Flag.withDescription("Where the part set aside goes"), Flag.optional),
    json: flags.json,
  },
  (options) =>
    Effect.gen(function* () {
      const { splitFile } = yield* Effect.promise(() => import("../../data/splitFile.ts"))
      yield* readable(options.file)
      const { fraction, seed } = options
      if (!(fraction > 0 && fraction < 1))
        return yield* badInput(`--fraction ${fraction}: expected a number between 0 and 1`)
      const stem = options.file.replace(/\.[^./]*$/, "")
      const train = Option.getOrElse(options.train, () => `${stem}-train.json`)
      const evaluation = Option.getOrElse(options.eval, () => `${stem}-eval.json`)
      yield* writable(train)
      yield* writable(evaluation)
      const done = yield* attempt(() => splitFile(options.file, { train, eval: evaluation, fraction, seed }))
      if (options.json) return yield* printJson({ ...done, files: { train, eval: evaluation } })
      yield* print(`${train}: ${done.train} records\n${evaluation}: ${done.eval} records`)
      if (done.left > 0)
        yield* note(`${done.left} records have defects and are in neither; 'sweep data check' shows them`)
      if (done.eval === 0) yield* note("no record was set aside: the file is too small for this fraction")
    }),
).pipe(
  Command.withDescription(
    "Set a part of the data aside for evaluation: by content, so that a question is on one side only",
  ),
)

const expand = Command.make(
  "expand",
  {
    file,
    to: Flag.Int("to").pipe(Flag.withDescription("How many new examples")),
    endpoint: Flag.String("endpoint").pipe(
      Flag.withMetavar("URL"),
      Flag.withDescription("OpenAI-compatible, such as http://127.0.0.1:8000/v1"),
    ),
    model: Flag.String("model").pipe(Flag.withDescription("Its name at the endpoint"), Flag.withDefault("default")),
    keyFrom: Flag.String("key-from").pipe(
      Flag.withMetavar("NAME"),
      Flag.withDescription("The environment variable that holds the API key"),
      Flag.withDefault("OPENAI_API_KEY"),
    ),
    out: Flag.String("out").pipe(Flag.withDescription("A .jsonl file; one that exists is continued"), Flag.optional),
    perRequest: Flag.Int("per-request").pipe(Flag.withDescription("Examples asked for at a time"), Flag.withDefault(5)),
    temperature: Flag.Finite("temperature").pipe(Flag.withDescription("Higher: more different"), Flag.withDefault(1)),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Which examples are shown"), Flag.withDefault(0)),
    price: Flag.Finite("price").pipe(
      Flag.withDescription("Per million completion tokens, to show what it will cost"),
      Flag.optional,
    ),
    yes: Flag.Boolean("yes").pipe(
      Flag.withDescription("Start; without it, only the cost is shown"),
      Flag.withDefault(false),
    ),
    json: flags.json,
  },
  (options) =>
    Effect.gen(function* () {
      const { costOf, expandFile, haveAlready, readSeeds } = yield* Effect.promise(
        () => import("../../data/expandFile.ts"),
      )
      yield* readable(options.file)
      const target = Option.getOrElse(options.out, () => `${options.file.replace(/\.[^./]*$/, "")}-expanded.jsonl`)
      if (!/\.(jsonl|ndjson)$/i.test(target)) return yield* badInput(`${target}: expected a name that ends in .jsonl`)
      if (options.to < 1 || options.perRequest < 1) return yield* badInput("--to and --per-request: expected 1 or more")
      const seeds = yield* attempt(() => readSeeds(options.file))
      const have = yield* attempt(async () => haveAlready(target))
      const cost = costOf(seeds, Math.max(0, options.to - have), options.perRequest)
      const price = Option.match(options.price, {
        onNone: () => "",
        onSome: (per) => `, ${((per * cost.completionTokens) / 1e6).toFixed(2)} for the completions`,
      })
      yield* note(
        `${have > 0 ? `${target} has ${have} examples; ` : ""}about ${cost.requests} requests to ${options.endpoint}, ${cost.promptTokens} prompt and ${cost.completionTokens} completion tokens${price}`,
      )
      if (!options.yes) return yield* note("nothing was sent: add --yes to start")
      const done = yield* Effect.tryPromise({
        try: () =>
          expandFile(seeds, {
            endpoint: options.endpoint,
            model: options.model,
            key: process.env[options.keyFrom] ?? null,
            to: options.to,
            target,
            perRequest: options.perRequest,
            seed: options.seed,
            temperature: options.temperature,
            onProgress: (now, refused) => process.stderr.write(`${now} of ${options.to}, ${refused} not taken\n`),
          }),
        catch: (cause) => unavailable((cause as Error).message),
      })
      if (options.json) return yield* printJson({ ...done, file: target })
      yield* print(`${target}: ${done.have} examples`)
    }),
).pipe(
  Command.withDescription("Have a model write more examples like yours, through any OpenAI-compatible endpoint"),
  Command.withExamples([
    {
      command: "sweep data expand seed.json --to 200 --endpoint http://127.0.0.1:8000/v1 --yes",
      description: "200 new examples; the same command continues after an interruption",
    },
  ]),
)

export const data = Command.make("data").pipe(
  Command.withDescription("Check, convert, split and expand training data"),
  Command.withSubcommands([check, convert, split, expand]),
)
