// Looks at a database's files before DuckDB does, because DuckDB takes a damaged log for one that was cut off, and a log
// without its main file for nothing. Owns when opening is refused; it changes nothing on the disk.
import { existsSync, statSync } from "node:fs"
import { StoreError } from "../Store.ts"
import { storeFailure } from "../duckdb/storeFailure.ts"
import { belowMark } from "./belowMark.ts"
import { type Mark, markPath, newestMark, readMark } from "./Mark.ts"
import { digestOf } from "./WalDigest.ts"

type Client = Pick<typeof import("@duckdb/node-api"), "DuckDBInstance">

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const wayOut =
  "Nothing was changed. 'sweep doctor' says what is there, and 'sweep doctor --repair' mends what can be mended, keeping a " +
  "copy of everything; or put the last backup back: sweep restore FILE --replace"

const held = ({ rows, fact }: Mark): string =>
  `acknowledged were ${rows.facts} facts (the last one is number ${fact.seq}) and ${rows.points} points`

export const below = (file: string, mark: Mark, what: string): StoreError =>
  new StoreError({
    reason: "below-mark",
    message: `${file} is damaged: it has less than was acknowledged (${what}; ${held(mark)}). ${wayOut}`,
  })

export type Look =
  | { readonly _tag: "Whole"; readonly mark: Mark | undefined }
  /** A checkpoint was under way: only the rows can tell. */
  | { readonly _tag: "Uncertain"; readonly mark: Mark }
  | { readonly _tag: "Refused"; readonly error: StoreError; readonly mark: Mark | undefined }

/** What the files themselves say, without DuckDB. */
export const lookAt = (file: string): Look => {
  const wal = `${file}.wal`
  const mark = readMark(file)
  const refused = (reason: StoreError["reason"], message: string): Look => ({
    _tag: "Refused",
    error: new StoreError({ reason, message }),
    mark: mark === "damaged" ? undefined : mark,
  })
  if (!existsSync(file)) {
    const left = [wal, markPath(file)].filter((path) => sizeOf(path) > 0)
    if (left.length === 0) return { _tag: "Whole", mark: undefined }
    const lost = mark === undefined || mark === "damaged" ? "" : ` (${held(mark)})`
    return refused(
      "missing",
      `${file} is missing, and ${left.join(" and ")} of it ${left.length === 1 ? "is" : "are"} there${lost}. Nothing was changed. ` +
        "Put the file back where it was moved to or copied, or put the last backup in its place: sweep restore FILE --replace. " +
        "To begin with an empty store, move what is left aside.",
    )
  }
  if (mark === undefined) return { _tag: "Whole", mark }
  if (mark === "damaged") {
    return refused(
      "corrupt",
      `${markPath(file)} cannot be read, so that nothing says whether ${file} is whole. ${wayOut}`,
    )
  }
  if (mark.version > newestMark) {
    return refused("version", `${markPath(file)} was written by a newer sweep; update sweep.`)
  }
  const found = digestOf(wal, mark.wal.bytes)
  if (found.bytes === mark.wal.bytes && found.sha256 === mark.wal.sha256) return { _tag: "Whole", mark }
  if (mark.checkpointing) return { _tag: "Uncertain", mark }
  const what =
    found.bytes < mark.wal.bytes
      ? `${wal} has ${found.bytes} of ${mark.wal.bytes} bytes`
      : `${wal} has other bytes than were written`
  return { _tag: "Refused", error: below(file, mark, what), mark }
}

/**
 * The mark that the database has to come up to; `undefined` when it has none. Throws a `StoreError` when it cannot, or
 * when another process has the database open.
 */
export const beforeOpening = async (client: Client, file: string): Promise<Mark | undefined> => {
  const first = lookAt(file)
  if (first._tag === "Whole") return first.mark
  if (!existsSync(file) && first._tag === "Refused") throw first.error
  // It may be somebody's who writes at this moment: the second look is under DuckDB's lock, which it keeps while reading.
  const opened = await client.DuckDBInstance.create(file, { access_mode: "READ_ONLY" }).catch((cause: unknown) =>
    storeFailure(file, cause),
  )
  if (opened instanceof StoreError) {
    throw opened.reason === "locked" || first._tag === "Uncertain" ? opened : first.error
  }
  try {
    const second = lookAt(file)
    if (second._tag === "Whole") return second.mark
    if (second._tag === "Refused") throw second.error
    const connection = await opened.connect()
    try {
      const missing = await belowMark(connection, second.mark)
      if (missing.length > 0) throw below(file, second.mark, missing.join(", "))
      return second.mark
    } catch (cause) {
      throw storeFailure(file, cause)
    } finally {
      connection.closeSync()
    }
  } finally {
    opened.closeSync()
  }
}
