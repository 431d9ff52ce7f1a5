// Keeps the durable mark of an open database. Owns the order in which the log, the mark and checkpoints reach the disk:
//
//   commit (DuckDB syncs its log) → mark written → acknowledged
//   mark says "checkpointing", synced → log moved into the main file → mark with an empty log
//
// The mark is never ahead of what is durable. It is behind by at most one commit group: after a kill because a group
// hears back only once the mark is written, after a power failure because the mark of one group is synced before that
// of the next is written. DuckDB makes no checkpoint by itself, so that the log shrinks only where the mark allows it.
import { closeSync, fdatasync, fsyncSync, statSync } from "node:fs"
import type { DuckDBConnection } from "@duckdb/node-api"
import { StoreError } from "../Store.ts"
import { storeFailure } from "../duckdb/storeFailure.ts"
import { countRows, lastFact, type Rows, storeId } from "./belowMark.ts"
import { type Mark, newestMark, openMark, readMark, writeMark } from "./Mark.ts"
import { WalDigest } from "./WalDigest.ts"

/** The log that a start has to replay is about this long at most: DuckDB's own default. */
const checkpointBytes = 16 << 20

interface Committed {
  readonly fact: Mark["fact"]
  readonly rows: Rows
  readonly store: string
}

export class DurableMark {
  private readonly file: string
  private readonly writer: DuckDBConnection
  private readonly handle: number
  private readonly digest: WalDigest
  private readonly identity: { readonly dev: number; readonly ino: number }
  private turn: number
  private syncing: Promise<void> = Promise.resolve()
  private broken: StoreError | undefined
  /** Length of the log at which a checkpoint is tried. */
  private nextCheckpoint = checkpointBytes
  committedNow: Committed

  private constructor(file: string, writer: DuckDBConnection, committed: Committed) {
    const before = readMark(file)
    this.file = file
    this.writer = writer
    this.turn = before === undefined || before === "damaged" ? 0 : before.turn
    this.handle = openMark(file)
    this.digest = new WalDigest(`${file}.wal`)
    const { dev, ino } = statSync(file)
    this.identity = { dev, ino }
    this.committedNow = committed
  }

  /** Of a database that was just opened, is whole and has its tables; moves what the log has into the main file. */
  static async open(file: string, writer: DuckDBConnection): Promise<DurableMark> {
    const committed = { fact: await lastFact(writer), rows: await countRows(writer), store: await storeId(writer) }
    const mark = new DurableMark(file, writer, committed)
    await mark.checkpoint()
    return mark
  }

  /** Why nothing more may be acknowledged, or `undefined`. */
  get refusal(): StoreError | undefined {
    if (this.broken !== undefined) return this.broken
    const found = statSync(this.file, { throwIfNoEntry: false })
    if (found?.ino === this.identity.ino && found.dev === this.identity.dev) return undefined
    this.broken = new StoreError({
      reason: "detached",
      message:
        `${this.file} was ${found === undefined ? "removed" : "replaced"} while sweep has it open. Nothing more is acknowledged; ` +
        "agents keep what they have. What was acknowledged is in memory and in the removed file until this process ends: " +
        "save it now with 'sweep backup FILE', then stop the coordinator and 'sweep restore FILE --replace'.",
    })
    return this.broken
  }

  /** After a commit and before anybody hears of it. Throws a `StoreError` when nothing may be acknowledged any more. */
  async committed(change: Committed): Promise<void> {
    this.committedNow = change
    try {
      const whole = this.digest.catchUp()
      if (this.refusal !== undefined) throw this.refusal
      // Somebody has cut or removed the log: what it had is in memory, and moves into the main file.
      if (!whole) await this.checkpoint()
      await this.syncing
      this.write(false)
      this.syncing = this.sync()
      // Seen where it is awaited.
      this.syncing.catch(() => undefined)
    } catch (cause) {
      this.broken ??= storeFailure(this.file, cause)
      throw this.broken
    }
    if (this.digest.bytes >= this.nextCheckpoint) await this.checkpoint()
  }

  /** Moves the log into the main file. Where DuckDB cannot do it now, a longer log is kept until it can. */
  async checkpoint(): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal
    await this.syncing
    this.write(true)
    await this.sync()
    try {
      await this.writer.run("CHECKPOINT")
    } catch {
      // The log stays as it was, and so does what is known of it.
    }
    this.digest.restart()
    this.digest.catchUp()
    this.nextCheckpoint = this.digest.bytes + checkpointBytes
    this.write(false)
    await this.sync()
  }

  /** Before DuckDB closes the database. */
  async close(): Promise<void> {
    try {
      if (this.refusal === undefined) await this.checkpoint()
    } finally {
      await this.syncing.catch(() => undefined)
      closeSync(this.handle)
    }
  }

  private write(checkpointing: boolean): void {
    const { fact, rows, store } = this.committedNow
    this.turn++
    const mark = { version: newestMark, turn: this.turn, store, fact, rows, wal: this.digest.value, checkpointing }
    writeMark(this.handle, mark)
    if (this.turn === 1) fsyncSync(this.handle)
  }

  private sync(): Promise<void> {
    return new Promise((resolve, reject) =>
      fdatasync(this.handle, (error) => (error === null ? resolve() : reject(error))),
    )
  }
}
