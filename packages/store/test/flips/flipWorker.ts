// A program: flips one bit at a time in a copy of the store in its first argument and opens it, and says on standard output
// what came of each. Which bits comes on standard input: `FILE BYTE BIT` a line. In a process of its own, because a damaged
// database may take its process down.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import { layer } from "../../src/duckdb/DuckdbStore.ts"
import { repair } from "../../src/durability/doctor.ts"
import { Store } from "../../src/Store.ts"
import { contentOf } from "../durability/content.ts"

/** `whole`: nothing was lost. `refused`: not opened. `unreadable`: opened, and said so when the damage was read. */
export type Outcome = "whole" | "refused" | "unreadable" | "silent"

const [, , from, repairing] = process.argv
const content = readFileSync(join(from!, "content"), "utf8")
const files = ["sweep.duckdb", "sweep.duckdb.wal", "sweep.duckdb.mark"]

const read = (directory: string) =>
  Effect.gen(function* () {
    const store = yield* Store
    return yield* contentOf(store).pipe(
      Effect.match({
        onSuccess: (found): Outcome => (found === content ? "whole" : "silent"),
        onFailure: (): Outcome => "unreadable",
      }),
    )
  }).pipe(
    Effect.provide(layer({ directory })),
    Effect.catch(() => Effect.succeed<Outcome>("refused")),
  )

const directory = mkdtempSync(join(tmpdir(), "sweep-flip-"))
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const [file, byte, bit] = line.split(" ") as [string, string, string]
    rmSync(directory, { recursive: true, force: true })
    for (const name of files) cpSync(join(from!, name), join(directory, name))
    const bytes = readFileSync(join(directory, file))
    bytes[Number(byte)]! ^= 1 << Number(bit)
    writeFileSync(join(directory, file), bytes)
    const outcome = await Effect.runPromise(read(directory))
    let repaired = ""
    if (outcome === "refused" && repairing === "repair") {
      const { done } = await Effect.runPromise(repair(directory))
      repaired = done === "impossible" ? done : await Effect.runPromise(read(directory))
    }
    writeSync(1, `${outcome} ${repaired}\n`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
