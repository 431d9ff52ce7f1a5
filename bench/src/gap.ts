// `gap`: what lies between two trials. The time from the end of one trial to the first optimiser step of the next,
//
//   warm  in the agent's warm host: from the `at` of one trial's `finished` to the `at` of the next one's first metrics
//         line with step 1, which the trainer writes right after its first optimiser step. All of the real agent lies in
//         between: it reads the end, reports it, is assigned the next trial by a coordinator that answers at once, makes
//         the directory and asks the host. What the host keeps (imports, base model, encoded data, the untouched base's
//         eval loss) is what a sweep's trials share;
//   cold  in a process of its own (`python -m sweep_trainer run`): from the start of the process to the same line of the
//         same trial. The end of the process before is not counted, which is to the cold side's advantage.
//
// Both train the quickstart's model and data by the same trial.json, with the devices and CPU threads that the agent
// gives a slot by default and another rank and learning rate for every trial, in turn, so that other work on the machine
// meets both. The medians are compared; at least 20 times shorter is the target.
// `at` has a resolution of 1 ms. `node bench/src/gap.ts [MODEL_DIRECTORY]`; 5 gaps of each kind unless GAP_REPETITIONS says more.
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { runAgent } from "@sweep/daemon/Agent"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { defaultTimings } from "@sweep/domain/Lease"
import { fromParameters } from "@sweep/domain/TrainingConfig"
import { AgentGateway, type GatewaySession } from "@sweep/protocol/AgentGateway"
import * as memoryAgentConnection from "@sweep/protocol/memoryAgentConnection"
import { protocolVersion } from "@sweep/protocol/versions"
import * as Result from "effect/Result"
import { median } from "./median.ts"
import { root } from "./root.ts"

const python = process.env["SWEEP_PYTHON"] ?? join(root, ".venv/bin/python")
const trainerSource = join(root, "agents/trainer/src")
const quickstart = join(root, "sweeps/quickstart")
const model = resolve(process.argv[2] ?? join(quickstart, "base-model"))
const repetitions = Math.max(5, Number(process.env["GAP_REPETITIONS"] ?? 5))
const target = 20

const trialJson = (trial: number): string => {
  const training = Result.getOrThrow(
    fromParameters(
      { model, train: join(quickstart, "train.json"), eval: join(quickstart, "eval.json") },
      { rank: [4, 8, 16][trial % 3]!, learning_rate: 1e-3 / trial, max_steps: 2, evals_per_epoch: 1 },
    ),
  )
  return JSON.stringify({
    contract: 1,
    sweep: "gap",
    trial,
    attempt: 1,
    epoch: trial,
    seed: 1,
    parameters: {},
    training,
    metric: { name: "eval/loss", goal: "minimize" },
    probes: [],
    resume: false,
  })
}

interface Line {
  readonly type: string
  readonly at: string
  readonly step?: number
  readonly warm?: boolean
  readonly message?: string
}

/** When the trial made its first optimiser step and when it was finished, in milliseconds since the Unix epoch. */
const moments = (directory: string) => {
  const lines = readFileSync(join(directory, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line)
  const firstStep = lines.find(({ type, step }) => type === "metrics" && step === 1)
  const finished = lines.find(({ type }) => type === "finished")
  if (firstStep === undefined || finished === undefined) {
    throw new Error(`the trial in ${directory} did not finish: ${lines.at(-1)?.message ?? "no event says why"}`)
  }
  const warm = lines.find(({ type }) => type === "started")?.warm
  return { firstStep: Date.parse(firstStep.at), finished: Date.parse(finished.at), warm }
}

/** Milliseconds from the start of a process of its own to the trial's first optimiser step. */
const coldGap = (directory: string, like: string) =>
  Effect.callback<number, Error>((resume) => {
    mkdirSync(directory)
    const document = readFileSync(join(like, "trial.json"), "utf8")
    writeFileSync(join(directory, "trial.json"), document)
    const { devices } = JSON.parse(document) as { readonly devices: ReadonlyArray<{ readonly threads: number }> }
    const startedAt = Date.now()
    const child = spawn(python, ["-m", "sweep_trainer", "run", directory], {
      env: { ...process.env, PYTHONPATH: trainerSource, OMP_NUM_THREADS: String(devices[0]!.threads) },
      stdio: ["ignore", "ignore", "inherit"],
    })
    child.once("error", (error) => resume(Effect.fail(error)))
    child.once("exit", () => resume(Effect.try(() => moments(directory).firstStep - startedAt)))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** Answers as a coordinator that has nothing to think about: acknowledges at once and assigns the next trial of a pair. */
const makeCoordinator = () => {
  let session: GatewaySession | undefined
  const connected = Deferred.makeUnsafe<void>()
  const ended = new Map<number, Deferred.Deferred<void>>()
  const over = (trial: number) => {
    let found = ended.get(trial)
    if (found === undefined) ended.set(trial, (found = Deferred.makeUnsafe()))
    return found
  }
  const assign = (trial: number) =>
    session!.send({
      _tag: "Assign",
      sweep: SweepId.make("gap"),
      trial: TrialNumber.make(trial),
      attempt: 1,
      epoch: Epoch.make(trial),
      slot: 0,
      trainer: "peft",
      command: null,
      trialJson: trialJson(trial),
    })
  const layer = Layer.succeed(AgentGateway, {
    serve: (opened) =>
      Stream.runForEach(opened.incoming, (message) =>
        Effect.gen(function* () {
          switch (message._tag) {
            case "Hello":
              session = opened
              yield* opened.send({
                _tag: "Welcome",
                protocol: protocolVersion,
                timings: defaultTimings,
                acknowledged: [],
                discard: [],
              })
              yield* Deferred.succeed(connected, undefined)
              return
            case "Events": {
              const { epoch, lastSeq } = message
              const acknowledged = [{ epoch, seq: lastSeq, stdout: 0, stderr: 0 }]
              return yield* opened.send({ _tag: "Ack", acknowledged, ended: [] })
            }
            case "Ended":
              // The first of a pair has an odd number.
              if (message.epoch % 2 === 1) yield* assign(message.epoch + 1)
              yield* opened.send({ _tag: "Ack", acknowledged: [], ended: [message.epoch] })
              return void (yield* Deferred.succeed(over(message.epoch), undefined))
            default:
              return
          }
        }),
      ),
  })
  const runPair = (first: number) =>
    Effect.gen(function* () {
      yield* Deferred.await(connected)
      yield* assign(first)
      yield* Deferred.await(over(first + 1))
    })
  return { layer, runPair }
}

const bench = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "sweep-gap-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
  )
  const home = join(directory, "agent")
  const coordinator = makeCoordinator()
  const stop = Deferred.makeUnsafe<string>()
  yield* Effect.forkScoped(
    runAgent({
      home,
      homeTaken: "refuse",
      version: "bench",
      python,
      pythonPath: trainerSource,
      trainers: ["peft"],
      stops: { drain: Deferred.await(stop), release: Effect.never, kill: Effect.never },
    }).pipe(
      Effect.provide(memoryAgentConnection.layer.pipe(Layer.provide(coordinator.layer))),
      Effect.provide(Logger.layer([])),
    ),
  )
  const warm: Array<number> = []
  const cold: Array<number> = []
  // The first pair warms the host up and counts for nothing.
  for (let pair = 0; pair <= repetitions; pair++) {
    const first = 2 * pair + 1
    yield* coordinator.runPair(first)
    const before = moments(join(home, "attempts", String(first)))
    const next = join(home, "attempts", String(first + 1))
    const after = moments(next)
    if (pair === 0) continue
    if (after.warm !== true) throw new Error("the host was not warm; its gaps mean nothing")
    warm.push(after.firstStep - before.finished)
    cold.push(yield* coldGap(join(directory, `cold-${pair}`), next))
    console.log(`${pair}/${repetitions}  warm ${warm.at(-1)} ms  cold ${cold.at(-1)} ms`)
  }
  yield* Deferred.succeed(stop, "done")
  const ratio = median(cold) / Math.max(1, median(warm))
  console.log(
    JSON.stringify({
      name: "gap",
      ratio: Math.round(ratio * 10) / 10,
      warm_ms: median(warm),
      cold_ms: median(cold),
      repetitions,
      target,
      ok: ratio >= target,
    }),
  )
  process.exitCode = ratio >= target ? 0 : 1
})

if (existsSync(join(model, "config.json"))) await Effect.runPromise(Effect.scoped(bench))
else {
  console.error(`no model in ${model}: it comes with the repository, or from sweeps/quickstart/make_base_model.py`)
  process.exitCode = 1
}
