// The source snapshot of a sweep: the program, data and model that its trials read, as files named by their content. Owns
// the manifest, what a sweep remembers of it, and which path on an agent stands for which path of the submitter's
// machine. Taking, sending and unpacking snapshots is the work of others.
import * as Schema from "effect/Schema"
import { mapTexts } from "../mapTexts.ts"
import { Sha256 } from "../trial/Artifact.ts"

/**
 * A path below a root, with `/` between its parts, none of which is empty or leads out of it. It comes from another machine:
 * whoever joins it to a folder relies on this check.
 */
export const SnapshotPath = Schema.String.check(
  Schema.isMaxLength(1000),
  // oxlint-disable-next-line no-control-regex
  Schema.isPattern(/^(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f]+(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f]+)*$/),
)

const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

export const SnapshotFile = Schema.Struct({
  path: SnapshotPath,
  sha256: Sha256,
  bytes: Bytes,
  executable: Schema.optionalKey(Schema.Boolean),
})
export type SnapshotFile = typeof SnapshotFile.Type

/** A folder of the submitter's machine, or those of its files that trials read. */
export const SnapshotRoot = Schema.Struct({
  /** Whether programs work in it: then each trial gets a copy of its own. Otherwise trials of a host share one. */
  work: Schema.Boolean,
  files: Schema.Array(SnapshotFile),
})
export type SnapshotRoot = typeof SnapshotRoot.Type

/** Kept as a file among the others, named by its content. It does not say where the folders lay. */
export const SnapshotManifest = Schema.Struct({ format: Schema.Literal(1), roots: Schema.Array(SnapshotRoot) })
export type SnapshotManifest = typeof SnapshotManifest.Type

/** Of a manifest, in bytes of its JSON. */
export const mostManifestBytes = 32 * 1024 * 1024

/** What a sweep remembers of its snapshot. */
export const Snapshot = Schema.Struct({
  /** Of the manifest: two snapshots of the same content have the same. */
  sha256: Sha256,
  manifestBytes: Bytes,
  files: Schema.Int,
  bytes: Bytes,
  /** Where each root of the manifest lay on the submitter's machine. */
  roots: Schema.Array(Schema.String),
  /** Of the repository that the program is in: its commit, and how many files differed from that. */
  git: Schema.optionalKey(Schema.Struct({ revision: Schema.String, changed: Schema.Int })),
})
export type Snapshot = typeof Snapshot.Type

export interface Mapping {
  /** On the submitter's machine, absolute. */
  readonly from: string
  /** On this one. */
  readonly to: string
}

/** Where the file or folder of the submitter's machine is here; the text itself when it is below no mapped folder. */
export const mappedPath = (text: string, mappings: ReadonlyArray<Mapping>): string => {
  let best: Mapping | undefined
  for (const mapping of mappings) {
    const { from } = mapping
    if (text !== from && !text.startsWith(from.endsWith("/") ? from : `${from}/`)) continue
    if (best === undefined || from.length > best.from.length) best = mapping
  }
  return best === undefined ? text : best.to + text.slice(best.from.length)
}

/** The same for every text of a value that is plain data. */
export const mappedDeep = <A>(value: A, mappings: ReadonlyArray<Mapping>): A =>
  mapTexts(value, (text) => mappedPath(text, mappings))
