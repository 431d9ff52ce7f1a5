// Flipped bits: a store whose process was killed, one bit of its log, of its main file or of its durable mark flipped, opened
// and read whole. Owns drawing the bits and counting what came of them; each is tried in flipWorker's process.
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { random } from "@sweep/search/Random"
import { killedStore } from "../durability/files.ts"
import type { Outcome } from "./flipWorker.ts"

export interface Flips {
  readonly flips: number
  /** By the file that was damaged. `crashed`: the process that opened it ended, which loses nothing silently. */
  readonly byFile: Readonly<Record<string, Readonly<Record<Outcome | "crashed", number>>>>
  /** Acknowledged data missing without an error. */
  readonly silent: ReadonlyArray<string>
  /** Of those refused, how many the doctor made whole again; only where it was asked to. */
  readonly repaired: number
}

interface Bit {
  readonly file: string
  readonly byte: number
  readonly bit: number
}

/** Of ten flips, five in the log, four in the main file, one in the mark. */
const fileOf = (n: number): string => (n % 10 === 9 ? ".mark" : n % 2 === 0 ? ".wal" : "")

const drawBits = (directory: string, count: number, seed: number): ReadonlyArray<Bit> => {
  const draw = random(seed, 0, "flips")
  return Array.from({ length: count }, (_, n) => {
    const file = `sweep.duckdb${fileOf(n)}`
    const { size } = statSync(join(directory, file))
    // Headers are small and matter most: every fifth flip of the main file is in its first 12 KiB.
    const within = file === "sweep.duckdb" && draw.index(5) === 0 ? 12_288 : size
    return { file, byte: draw.index(within), bit: draw.index(8) }
  })
}

export const flipBits = async (options: {
  readonly flips: number
  readonly seed: number
  readonly repair: boolean
  readonly say?: (text: string) => void
}): Promise<Flips> => {
  const { directory, content } = killedStore(mkdtempSync(join(tmpdir(), "sweep-flips-")))
  writeFileSync(join(directory, "content"), content)
  const bits = drawBits(directory, options.flips, options.seed)
  const byFile: Record<string, Record<Outcome | "crashed", number>> = {}
  const silent: Array<string> = []
  let repaired = 0
  const count = ({ file, byte, bit }: Bit, outcome: Outcome | "crashed") => {
    byFile[file] ??= { whole: 0, refused: 0, unreadable: 0, silent: 0, crashed: 0 }
    byFile[file][outcome]++
    if (outcome === "silent") silent.push(`bit ${bit} of byte ${byte} of ${file}`)
  }
  let next = 0
  while (next < bits.length) {
    const program = [join(import.meta.dirname, "flipWorker.ts"), directory, options.repair ? "repair" : ""]
    const worker = spawn(process.execPath, program, { stdio: ["pipe", "pipe", "ignore"] })
    worker.stdin.on("error", () => undefined)
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()))
    const ask = () => {
      const { file, byte, bit } = bits[next]!
      worker.stdin.write(`${file} ${byte} ${bit}\n`)
    }
    ask()
    for await (const line of createInterface({ input: worker.stdout })) {
      const [outcome, after] = line.split(" ") as [Outcome, string]
      count(bits[next]!, outcome)
      if (after === "whole") repaired++
      next++
      if (next % 500 === 0) options.say?.(`${next} of ${bits.length} bits flipped`)
      if (next === bits.length) worker.stdin.end()
      else ask()
    }
    await ended
    if (next < bits.length) count(bits[next++]!, "crashed")
  }
  rmSync(directory, { recursive: true, force: true })
  return { flips: bits.length, byFile, silent, repaired }
}
