// The disk that files of trials and source snapshots share with the database, of which a reserve is kept for it.

const mebibytes = (bytes: number): number => Math.floor(bytes / 2 ** 20)

/** Why `more` bytes are not taken where `left` are free, of which `reserve` are the database's; `null` when they are. */
export const roomProblem = (directory: string, left: number, reserve: number, more: number): string | null =>
  left - more >= reserve
    ? null
    : `the disk of ${directory} has ${mebibytes(left)} MiB free, and ${mebibytes(reserve)} MiB of it are kept for the database; free some space ('sweep rm' of old sweeps)`
