// The files of an export as they come over the network. Owns which names are taken: a coordinator that is not to be trusted
// must not choose where something is written.
import { join } from "node:path"

const fileName = /^[a-z][a-z0-9_-]{0,63}\.parquet$/

/** Where `file` goes in `directory`; `undefined` for a name that no export has. */
export const exportedFile = (directory: string, file: string): string | undefined =>
  fileName.test(file) ? join(directory, file) : undefined
