// What is wrong with the files of a store, and mending it. Owns that a check changes nothing, that a repair keeps a copy of
// everything it found, and that what could not be saved is named. Mended without loss: one flipped bit in the log, a mark
// that cannot be read. Else what can be read is saved into a new database, as if a backup had been put back.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  fsyncSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Client, heldHere } from "../duckdb/Database.ts"
import { restore } from "../duckdb/restore.ts"
import { storeFailure } from "../duckdb/storeFailure.ts"
import { StoreError } from "../Store.ts"
import { lookAt } from "./beforeOpening.ts"
import { belowMark } from "./belowMark.ts"
import { flippedBit } from "./flippedBit.ts"
import { type Mark, markPath, tables } from "./Mark.ts"
import { salvage } from "./salvage.ts"
import { digestOf } from "./WalDigest.ts"

export type Finding =
  | { readonly code: "no-database" }
  | { readonly code: "unmarked" }
  /** Opening is refused, and why. */
  | { readonly code: "refused"; readonly reason: StoreError["reason"]; readonly message: string }
  /** One bit of the log differs from what was committed; flipping it back mends it. */
  | { readonly code: "flipped-bit"; readonly byte: number; readonly bit: number }
  | { readonly code: "unreadable"; readonly table: string; readonly message: string }
  | { readonly code: "below-mark"; readonly missing: ReadonlyArray<string> }

export interface Checked {
  readonly file: string
  readonly healthy: boolean
  readonly findings: ReadonlyArray<Finding>
  /** What was acknowledged, as far as the mark says it. */
  readonly acknowledged: { readonly facts: number; readonly points: number; readonly lastFact: number } | null
}

export interface Repaired extends Checked {
  readonly done: "nothing" | "bit-flipped-back" | "mark-renewed" | "saved-what-is-readable" | "impossible"
  /** Where everything lies as it was found. */
  readonly keptIn: string | null
  /** Rows by table that were acknowledged and are not there any more. */
  readonly lost: Readonly<Record<string, number>>
}

/** The one bit of the log that was flipped, if that is all. */
const findFlippedBit = (file: string, mark: Mark) => {
  const { bytes, crc32, sha256 } = mark.wal
  const found = digestOf(`${file}.wal`, bytes)
  if (found.bytes !== bytes || found.sha256 === sha256) return undefined
  return flippedBit(bytes, crc32, found.crc32)
}

const flipBack = (path: string, { byte, bit }: { readonly byte: number; readonly bit: number }) => {
  const handle = openSync(path, "r+")
  try {
    const one = Buffer.alloc(1)
    readSync(handle, one, 0, 1, byte)
    one[0]! ^= 1 << bit
    writeSync(handle, one, 0, 1, byte)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Runs `use` on the database as it is, without changing it. `undefined` when DuckDB cannot open it at all. */
const reading = async <A>(
  client: Client,
  file: string,
  use: (connection: DuckDBConnection) => Promise<A>,
): Promise<A | StoreError> => {
  let instance: DuckDBInstance
  try {
    instance = await client.DuckDBInstance.create(file, { access_mode: "READ_ONLY" })
  } catch (cause) {
    const error = storeFailure(file, cause)
    if (error.reason === "locked") throw error
    return error
  }
  const connection = await instance.connect()
  try {
    return await use(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Reads every block of every table: their checksums are compared as they are read. */
const unreadable = async (connection: DuckDBConnection): Promise<ReadonlyArray<Finding>> => {
  const found: Array<Finding> = []
  for (const table of tables) {
    try {
      await connection.run(`SELECT bit_xor(hash(t)) FROM journal.${table} t`)
    } catch (cause) {
      found.push({ code: "unreadable", table, message: storeFailure(table, cause).message })
    }
  }
  return found
}

const inspect = async (client: Client, file: string): Promise<Checked & { readonly mark: Mark | undefined }> => {
  const held = existsSync(file) ? heldHere(realpathSync(file)) : undefined
  if (held !== undefined) throw held
  const look = lookAt(file)
  const { mark } = look
  const findings: Array<Finding> = []
  const there = existsSync(file)
  if (look._tag === "Refused") {
    findings.push({ code: "refused", reason: look.error.reason, message: look.error.message })
    const bit = there && mark !== undefined ? findFlippedBit(file, mark) : undefined
    if (bit !== undefined) findings.push({ code: "flipped-bit", ...bit })
  } else if (!there) {
    findings.push({ code: "no-database" })
  } else if (mark === undefined) {
    findings.push({ code: "unmarked" })
  }
  if (there) {
    const read = await reading(client, file, async (connection) => {
      const bad = await unreadable(connection)
      if (bad.length > 0 || mark === undefined) return bad
      const missing = await belowMark(connection, mark)
      return missing.length === 0 ? [] : [{ code: "below-mark" as const, missing }]
    }).catch((cause: unknown) => {
      const error = storeFailure(file, cause)
      if (error.reason === "locked") throw error
      return error
    })
    if (read instanceof StoreError) findings.push({ code: "refused", reason: read.reason, message: read.message })
    else findings.push(...read)
  }
  return {
    file,
    healthy: findings.every(({ code }) => code === "unmarked" || code === "no-database"),
    findings,
    acknowledged:
      mark === undefined ? null : { facts: mark.rows.facts, points: mark.rows.points, lastFact: mark.fact.seq },
    mark,
  }
}

const loaded = Effect.promise(() => import("@duckdb/node-api"))

/** Fails with a `StoreError` when a process has the database open. Reads all of it, and changes nothing. */
export const check = Effect.fn("doctor.check")(function* (directory: string): Effect.fn.Return<Checked, StoreError> {
  const file = join(directory, "sweep.duckdb")
  const client = yield* loaded
  const { mark: _, ...checked } = yield* Effect.tryPromise({
    try: () => inspect(client, file),
    catch: (cause) => storeFailure(file, cause),
  })
  return checked
})

/** As `check`, and mends what it can. What it found is copied beside the database before anything is changed. */
export const repair = Effect.fn("doctor.repair")(function* (directory: string): Effect.fn.Return<Repaired, StoreError> {
  const file = join(directory, "sweep.duckdb")
  const client = yield* loaded
  const attempt = <A>(body: () => A) => Effect.try({ try: body, catch: (cause) => storeFailure(file, cause) })
  const running = <A>(body: () => Promise<A>) =>
    Effect.tryPromise({ try: body, catch: (cause) => storeFailure(file, cause) })
  const { mark, ...checked } = yield* running(() => inspect(client, file))
  if (checked.healthy) return { ...checked, done: "nothing", keptIn: null, lost: {} }
  if (!existsSync(file)) return { ...checked, done: "impossible", keptIn: null, lost: {} }

  const now = yield* Clock.currentTimeMillis
  const keptIn = join(directory, `damaged-${now}`)
  yield* attempt(() => {
    mkdirSync(keptIn, { mode: 0o700 })
    for (const suffix of ["", ".wal", ".mark"]) {
      if (existsSync(file + suffix)) cpSync(file + suffix, join(keptIn, `sweep.duckdb${suffix}`))
    }
  })
  const flipped = checked.findings.find((finding) => finding.code === "flipped-bit")
  if (flipped !== undefined && mark !== undefined) {
    yield* attempt(() => flipBack(`${file}.wal`, flipped))
    if (digestOf(`${file}.wal`, mark.wal.bytes).sha256 === mark.wal.sha256) {
      const after = yield* running(() => inspect(client, file))
      if (after.healthy) return { ...checked, done: "bit-flipped-back", keptIn, lost: {} }
    } else {
      yield* attempt(() => copyFileSync(join(keptIn, "sweep.duckdb.wal"), `${file}.wal`))
    }
  }
  if (lookAt(file)._tag === "Refused" && mark === undefined && existsSync(markPath(file))) {
    // Nothing says what was acknowledged any more; the rest can be read whole.
    if (!checked.findings.some(({ code }) => code === "unreadable" || code === "below-mark")) {
      yield* attempt(() => renameSync(markPath(file), join(keptIn, "sweep.duckdb.mark")))
      const after = yield* running(() => inspect(client, file))
      if (after.healthy) return { ...checked, done: "mark-renewed", keptIn, lost: {} }
      yield* attempt(() => copyFileSync(join(keptIn, "sweep.duckdb.mark"), markPath(file)))
    }
  }
  const saved = join(keptIn, "saved.duckdb")
  const alone = join(keptIn, "main-alone", "sweep.duckdb")
  const rows = yield* running(() => salvage(client, file, saved)).pipe(
    // Its log cannot be replayed: the main file without it, from a copy, because this one has to stay as it is.
    Effect.catch(() =>
      running(() => {
        mkdirSync(join(keptIn, "main-alone"))
        copyFileSync(file, alone)
        return salvage(client, alone, saved)
      }),
    ),
    Effect.catch(() => Effect.succeed(undefined)),
  )
  yield* attempt(() => rmSync(join(keptIn, "main-alone"), { recursive: true, force: true }))
  if (rows === undefined) {
    yield* attempt(() => rmSync(saved, { force: true }))
    return { ...checked, done: "impossible", keptIn, lost: {} }
  }
  const { movedTo } = yield* restore({ file: saved, directory, replace: true })
  // They are in `keptIn` already.
  yield* attempt(() => {
    rmSync(saved)
    if (movedTo !== null) {
      for (const suffix of ["", ".wal", ".mark"]) rmSync(movedTo + suffix, { force: true })
    }
  })
  const lost =
    mark === undefined
      ? {}
      : Object.fromEntries(
          tables.flatMap((table) => (mark.rows[table] > rows[table] ? [[table, mark.rows[table] - rows[table]]] : [])),
        )
  return { ...checked, done: "saved-what-is-readable", keptIn, lost }
})
