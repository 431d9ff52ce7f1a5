// What DuckDB's messages mean for a person: which of the store's failures it is and what to do about it.
import { StoreError } from "../Store.ts"

const firstLine = (message: string): string => message.split("\n", 1)[0]!.trim()

const kinds: ReadonlyArray<readonly [pattern: RegExp, failure: (file: string, message: string) => StoreError]> = [
  [
    /could not set lock/i,
    (file, message) => {
      const pid = /PID (\d+)/.exec(message)?.[1]
      const owner = pid === undefined ? "another process" : `another process (PID ${pid})`
      return new StoreError({
        reason: "locked",
        message: `${file} is in use by ${owner}. Only one coordinator can own it: connect to the one that runs, or stop it first.`,
      })
    },
  ],
  [
    /no space left|disk quota|file too large|failed to allocate block|max_temp_directory_size/i,
    (file) =>
      new StoreError({
        reason: "full",
        message: `the disk of ${file} is full. Nothing acknowledged is lost: free some space and start again.`,
      }),
  ],
  [
    /has been invalidated/i,
    (file) =>
      new StoreError({
        reason: "io",
        message: `${file} takes no more after an earlier failure. Nothing acknowledged is lost: restart sweep.`,
      }),
  ],
  [
    /newer version of duckdb|storage version|database file with version number/i,
    (file, message) =>
      new StoreError({
        reason: "version",
        message: `${file} was written by a newer sweep and this one cannot read it; update sweep (${firstLine(message)}).`,
      }),
  ],
  [
    /permission denied|read-only file system|cannot open file|is a directory/i,
    (file, message) => new StoreError({ reason: "io", message: `${file} cannot be opened: ${firstLine(message)}` }),
  ],
  [
    /not a valid duckdb database|corrupt|checksum|could not read enough bytes|serialization error|deserializ|internal error|failure while replaying/i,
    (file, message) =>
      new StoreError({
        reason: "corrupt",
        message:
          `${file} is damaged and cannot be read (${firstLine(message)}). Put the last backup back, which moves what is ` +
          "there aside: sweep restore FILE --replace; without one, 'sweep doctor --repair' saves what can still be read.",
      }),
  ],
]

/** The store's failure behind something the DuckDB client threw about `file`. */
export const storeFailure = (file: string, cause: unknown): StoreError => {
  if (cause instanceof StoreError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  for (const [pattern, failure] of kinds) if (pattern.test(message)) return failure(file, message)
  return new StoreError({ reason: "io", message: `${file}: ${firstLine(message)}` })
}
