// The files that a trial leaves: its adapter, and checkpoints from which it or another trial continues. Owns their names,
// and the rule of which of them are kept with the coordinator; moving and storing them is the work of other rooms.
import * as Schema from "effect/Schema"
import { Epoch, type SweepId, TrialNumber } from "../Id.ts"

/**
 * A path below the attempt's directory, with `/` between its parts, none of which leads out of it or is hidden. It comes
 * from another machine: whoever joins it to a directory relies on this check.
 */
export const ArtifactPath = Schema.String.check(
  Schema.isMaxLength(500),
  // Letters, digits and a few signs, so that no file system and no terminal reads anything into it.
  Schema.isPattern(/^(?:[A-Za-z0-9_-][A-Za-z0-9._ +=@-]*)(?:\/[A-Za-z0-9_-][A-Za-z0-9._ +=@-]*){0,15}$/),
)

/** A file as its owner describes it. */
export const ArtifactFile = Schema.Struct({
  path: ArtifactPath,
  bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
})
export type ArtifactFile = typeof ArtifactFile.Type

/** The attempt whose files they are. */
export interface ArtifactOwner {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly epoch: Epoch
}

/** Lower-case hexadecimal. */
export const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))

/** A file that is kept, whole and verified. */
export const Artifact = Schema.Struct({
  trial: TrialNumber,
  /** The attempt that made it. */
  epoch: Epoch,
  path: ArtifactPath,
  bytes: Schema.Int,
  sha256: Sha256,
  /** Milliseconds since the Unix epoch on the coordinator's clock. */
  at: Schema.Finite,
})
export type Artifact = typeof Artifact.Type

/**
 * What stays with the coordinator of a trial that has ended: `best` its adapter, which is that of its best evaluation;
 * `last` also its newest checkpoint, so that it can be resumed; `all` also every other checkpoint its trainer kept;
 * `none` nothing. While a trial may still continue, its checkpoints are kept under every rule but `none`: the newest, to
 * resume from, and the best, which may be what it exports in the end.
 */
export const KeepRule = Schema.Literals(["best", "last", "all", "none"])
export type KeepRule = typeof KeepRule.Type

/** In the folder where they are kept, with a word that tells it from another folder of the same path. */
export const markerFile = ".sweep-artifacts"

export const adapterFolder = "adapter"
export const checkpointsFolder = "checkpoints"

/** Of a checkpoint, written and handed over last: without it the checkpoint is not whole. */
const manifestName = "manifest.json"

const checkpointPattern = /^checkpoints\/(step-(\d+))\//

/** Optimiser steps of the checkpoint a file belongs to; `null` when it is of none. */
export const checkpointStep = (path: string): number | null => {
  const step = checkpointPattern.exec(path)?.[2]
  return step === undefined ? null : Number(step)
}

/** The manifest of the checkpoint a file belongs to; `null` when it is of none. */
export const manifestOf = (path: string): string | null => {
  const folder = checkpointPattern.exec(path)?.[0]
  return folder === undefined ? null : `${folder}${manifestName}`
}

/** Whether a file is the manifest of a checkpoint. */
export const isManifest = (path: string): boolean => path === manifestOf(path)

/**
 * Tensors, JSON and text, by the names under which trainers of ours write and read them: nothing in them is run. A `.pt` or
 * `.pth` of these names is read with PyTorch's `weights_only`.
 */
const dataFile =
  /^(?:checkpoints\/step-\d+\/(?:adapter\/)?|adapter\/)(?:[A-Za-z0-9._-]+\.(?:safetensors|json|md|txt|jinja)|optimizer\.pt|scheduler\.pt|scaler\.pt|rng_state\.pth)$/

/** Whether a trainer that resumes from another agent's checkpoint, or a user, may be handed the file. */
export const holdsData = (path: string): boolean => dataFile.test(path)

/** The files of the newest whole checkpoint among `files`. */
export const newestCheckpoint = <A extends { readonly path: string }>(files: ReadonlyArray<A>): ReadonlyArray<A> => {
  const newest = files.reduce((step, { path }) => Math.max(step, isManifest(path) ? checkpointStep(path)! : -1), -1)
  return newest < 0 ? [] : files.filter(({ path }) => checkpointStep(path) === newest)
}

/** The files of every whole checkpoint among `files`. */
export const wholeCheckpoints = <A extends { readonly path: string }>(files: ReadonlyArray<A>): ReadonlyArray<A> => {
  const whole = new Set(files.filter(({ path }) => isManifest(path)).map(({ path }) => checkpointStep(path)))
  return files.filter(({ path }) => whole.has(checkpointStep(path)))
}

/** Which of a trial's files are worth keeping: `ended` when it will not continue. */
export const keptFiles = <A extends { readonly path: string }>(
  rule: KeepRule,
  files: ReadonlyArray<A>,
  ended: boolean,
): ReadonlyArray<A> => {
  if (rule === "none") return []
  if (!ended) return wholeCheckpoints(files)
  const adapter = files.filter(({ path }) => path.startsWith(`${adapterFolder}/`))
  if (rule === "best") return adapter
  return [...adapter, ...(rule === "all" ? wholeCheckpoints(files) : newestCheckpoint(files))]
}
