// The checkpoint a later attempt resumes from, when an earlier one ran on another host: fetched from the coordinator and
// put in place whole, or not at all. Without one the attempt begins again, which costs time and nothing else.
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { mkdir, open, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Reason } from "@sweep/domain/Reason"
import { checkpointsFolder, holdsData } from "@sweep/domain/Artifact"
import type { TrialNumber } from "@sweep/domain/Id"
import { ArtifactExchange, type Kept } from "@sweep/protocol/ArtifactExchange"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Attempt } from "../attempt/Attempt.ts"

/** Fetches into `<attempt>/checkpoints`; whether there was one. Fails with a sentence. */
const fetchInto = Effect.fnUntraced(function* (
  exchange: ArtifactExchange["Service"],
  { directory, record: { sweep, trial, trainer } }: Attempt,
) {
  const kept = yield* exchange.listCheckpoint(sweep, trial)
  // Another agent made it: what a trainer of ours reads is data of known names, and nothing else is put before it.
  const files = trainer === "command" ? kept : kept.filter(({ path }) => holdsData(path))
  if (files.length === 0) return false
  const draft = join(directory.path, ".fetched")
  const fetchOne = Effect.fnUntraced(function* (file: Kept) {
    // Below `draft` they lie as below the attempt's directory.
    const path = join(draft, file.path)
    yield* Effect.promise(() => mkdir(dirname(path), { recursive: true }))
    const handle = yield* Effect.acquireRelease(
      Effect.promise(() => open(path, "w")),
      (opened) => Effect.promise(() => opened.close()),
    )
    const hash = createHash("sha256")
    yield* exchange.fetch(sweep, trial, file).pipe(
      Stream.runForEach((piece) =>
        Effect.promise(async () => {
          hash.update(piece)
          await handle.write(piece)
        }),
      ),
    )
    if (hash.digest("hex") !== file.sha256)
      return yield* Effect.fail({ message: `${file.path} did not arrive as it is kept` })
  }, Effect.scoped)
  yield* Effect.promise(() => rm(draft, { recursive: true, force: true }))
  yield* Effect.forEach(files, fetchOne, { discard: true }).pipe(
    Effect.andThen(Effect.promise(() => rename(join(draft, checkpointsFolder), directory.checkpoints))),
    Effect.ensuring(Effect.promise(() => rm(draft, { recursive: true, force: true }))),
  )
  return true
})

/** The trial whose checkpoint the attempt resumes from, unless it has one of its own. */
const parentOf = ({ directory }: Attempt): TrialNumber | undefined => {
  const { parent } = JSON.parse(readFileSync(directory.trial, "utf8")) as {
    readonly parent?: { readonly trial: TrialNumber }
  }
  return parent?.trial
}

/**
 * For an attempt that is not the first and finds no checkpoint on this host. Fails, with a sentence, only where the trial
 * is to resume from another one's: that it cannot do without.
 */
export const fetchCheckpoint = Effect.fn("fetchCheckpoint")(function* (attempt: Attempt) {
  const { name } = attempt
  const exchange = yield* Effect.serviceOption(ArtifactExchange)
  if (Option.isNone(exchange) || existsSync(attempt.directory.checkpoints)) return
  const parent = parentOf(attempt)
  yield* fetchInto(exchange.value, attempt).pipe(
    Effect.catchDefect((defect) => Effect.fail({ message: String(defect) })),
    Effect.flatMap((found) => {
      if (found) return Effect.logInfo(`${name}: resumes from the checkpoint that the coordinator keeps`)
      return parent === undefined ? Effect.void : Effect.fail({ message: "the coordinator has none" })
    }),
    Effect.catch(({ message }) =>
      parent === undefined
        ? Effect.logWarning(`${name}: begins again, its checkpoint cannot be fetched: ${message}`)
        : Effect.fail({ _tag: "CheckpointUnreachable", parent, problem: message } satisfies Reason),
    ),
  )
})
