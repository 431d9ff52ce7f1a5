// The `peft` and `llamafactory` trainers: one process per slot that imports everything once, keeps the base model loaded and trains attempt
// after attempt (`python -m sweep_trainer host`, or sweep_llamafactory; docs/trainer-contract.md has its protocol). Owns that process: started
// ahead of the first attempt, replaced after anything but a finished one and before an attempt with other secrets (the
// environment of a process is fixed at its start), ended with the agent. An agent that dies
// takes its end of standard input with it: the host completes the attempt and exits by itself.
import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Slot } from "@sweep/domain/Device"
import type { Attempt } from "../attempt/Attempt.ts"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { LogFile } from "../attempt/LogFile.ts"
import { kill } from "../process/ProcessTree.ts"
import { newMark, spawnTrainer, type TrainerProcess } from "./spawnTrainer.ts"
import { CouldNotStart, type Run, type RunOver, type Trainer } from "./Trainer.ts"
import { namedSecrets, passedSecrets, trainerEnvironment } from "../process/trainerEnvironment.ts"

const logNames = { sweep_trainer: "trainer", sweep_llamafactory: "llamafactory" } as const

/** How long a host that is no longer needed may take to leave by itself. */
const leaveMillis = 5_000

interface Host extends TrainerProcess {
  readonly log: LogFile
  /** The names of those in its environment. */
  readonly secrets: ReadonlyArray<string>
  /** The attempt it is at. */
  run: { readonly attempt: Attempt; readonly over: Deferred.Deferred<RunOver> } | undefined
  /** It will take no further attempt: it said so, or its process ended. */
  spent: boolean
  /** Whether it has begun an attempt. */
  trained: boolean
}

const parseReply = (
  line: string,
): { readonly type?: unknown; readonly directory?: unknown; readonly status?: unknown } => {
  try {
    const reply: unknown = JSON.parse(line)
    return typeof reply === "object" && reply !== null ? reply : {}
  } catch {
    // Something a library printed before the host took standard output over.
    return {}
  }
}

export interface WarmHost extends Trainer {
  /** Starts the process if there is none, so that its imports are done by the time an attempt comes. */
  readonly prepare: Effect.Effect<void>
  /** Whether the process has run an attempt and is there for another: it keeps the base model in the device's memory. */
  readonly hasTrained: () => boolean
  /** Ends the process: an attempt that it is at is over with it. */
  readonly stop: Effect.Effect<void>
}

export const makeWarmHost = (options: {
  readonly slot: Slot
  readonly home: string
  readonly python: string
  readonly pythonPath: string | null
  readonly passEnvironment: ReadonlyArray<string>
  /** Secrets that no trial gets. */
  readonly withheld: ReadonlyArray<string>
  /** The Python package that is the host. */
  readonly module: "sweep_trainer" | "sweep_llamafactory"
}): Effect.Effect<WarmHost, never, Scope.Scope> =>
  Effect.gen(function* () {
    let host: Host | undefined
    /** Every host started and not yet seen to be gone. */
    const started = new Set<Host>()

    /** What the attempt before this one was given: most likely the next one is given the same. */
    let lastSecrets: ReadonlyArray<string> = []

    const begin = Effect.fnUntraced(function* (secrets: ReadonlyArray<string>) {
      const mark = newMark()
      const path = join(options.home, `${logNames[options.module]}-${options.slot.index}.log`)
      const descriptor = yield* Effect.try({
        try: () => openSync(path, "w"),
        catch: (error) => new CouldNotStart({ class: "bug", message: `Cannot write ${path}: ${String(error)}` }),
      })
      const process = yield* spawnTrainer({
        argv: [options.python, "-m", options.module, "host"],
        cwd: options.home,
        environment: trainerEnvironment({
          slot: options.slot,
          mark,
          extra: options.passEnvironment,
          secrets,
          pythonPath: options.pythonPath,
        }),
        stdio: ["pipe", "pipe", descriptor],
        mark,
      }).pipe(Effect.ensuring(Effect.sync(() => closeSync(descriptor))))
      const made: Host = { ...process, log: new LogFile(path), secrets, run: undefined, spent: false, trained: false }
      started.add(made)
      const { child } = process
      // Writing to a host that has died is no error of its own: the exit tells.
      child.stdin!.on("error", () => undefined)
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const reply = parseReply(line)
        if (reply.type !== "done" || made.run === undefined || reply.directory !== made.run.attempt.directory.path)
          return
        const status = String(reply.status)
        // Preempted without a signal, the attempt waits for others, and the host is as good as before.
        if (status === "failed" || made.run.attempt.signalled) made.spent = true
        const { over } = made.run
        made.run = undefined
        Deferred.doneUnsafe(over, Effect.succeed({ _tag: "Done", status } as const))
      })
      child.once("exit", (code, signal) => {
        made.spent = true
        if (made.run !== undefined) {
          Deferred.doneUnsafe(made.run.over, Effect.succeed({ _tag: "Exited", code, signal } as const))
        }
        made.run = undefined
      })
      return made
    })

    /** Lets a host leave by itself, then sees to it that nothing of it is left. */
    const dismiss = (old: Host) =>
      Effect.gen(function* () {
        old.child.stdin!.end()
        if (old.run === undefined) yield* Effect.timeoutOption(Deferred.await(old.exited), leaveMillis)
        yield* kill(old.tree)
        old.log.close()
        started.delete(old)
      })

    const stop = Effect.suspend(() => {
      host = undefined
      return Effect.forEach(Array.from(started), dismiss, { concurrency: "unbounded", discard: true })
    })
    yield* Effect.addFinalizer(() => stop)
    const scope = yield* Effect.scope

    const current = Effect.fnUntraced(function* (secrets: ReadonlyArray<string> = lastSecrets) {
      const old = host
      if (old !== undefined && !old.spent && old.secrets.join() === secrets.join()) return old
      host = undefined
      // One that is spent has lost its work, perhaps not yet its memory; the new one imports meanwhile. One that has other
      // secrets keeps its model in the device's memory until it is gone.
      if (old !== undefined) yield* old.spent ? Effect.forkIn(dismiss(old), scope) : dismiss(old)
      lastSecrets = secrets
      host = yield* begin(secrets)
      return host
    })

    return {
      prepare: Effect.ignore(current()),
      hasTrained: () => host !== undefined && !host.spent && host.trained,
      stop,
      start: Effect.fn("WarmHost.start")(function* (attempt, onTree) {
        const secrets = yield* Effect.try({
          try: () => passedSecrets(namedSecrets(attempt.directory.trial), options.withheld),
          catch: (error) =>
            new CouldNotStart({ class: "bug", message: `Cannot read ${attempt.directory.trial}: ${String(error)}` }),
        })
        const used = yield* current(secrets)
        yield* onTree(used.tree)
        const ownStderr = () => used.log.tail(20)
        if (used.spent) return { tree: used.tree, over: Deferred.await(used.exited), ownStderr } satisfies Run
        const over = Deferred.makeUnsafe<RunOver>()
        const { path } = attempt.directory
        used.run = { attempt, over }
        used.trained = true
        // Before it is ready, the request waits in the pipe.
        used.child.stdin!.write(`${JSON.stringify({ type: "run", directory: path })}\n`)
        return { tree: used.tree, over: Deferred.await(over), ownStderr } satisfies Run
      }),
    } satisfies WarmHost
  })
