// Many simulated clusters, one per seed, spread over the machine's cores. Owns the spreading: each batch of seeds has a
// thread of its own, whose end closes the files that agents which were killed left open.
import { availableParallelism } from "node:os"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { faultList } from "./faultList.ts"
import { simulate, simulatedTimings } from "../cluster/simulate.ts"

interface Failure {
  readonly seed: number
  readonly what: string
}

export interface Simulated {
  /** By the fault's number: in how many seeds the weather had it. */
  readonly runs: ReadonlyMap<number, number>
  readonly failing: ReadonlyArray<Failure>
  readonly lostPoints: number
  readonly duplicatePoints: number
  readonly doubleRuns: number
  readonly orphans: number
  readonly trials: number
}

interface Batch {
  readonly simulate: "seeds"
  readonly from: number
  readonly count: number
}

const batchSize = 500

const sum = (parts: ReadonlyArray<Simulated>): Simulated => {
  const runs = new Map<number, number>()
  for (const part of parts) for (const [fault, n] of part.runs) runs.set(fault, (runs.get(fault) ?? 0) + n)
  const of = (count: (part: Simulated) => number) => parts.reduce((total, part) => total + count(part), 0)
  return {
    runs,
    failing: parts.flatMap(({ failing }) => failing).toSorted((a, b) => a.seed - b.seed),
    lostPoints: of((part) => part.lostPoints),
    duplicatePoints: of((part) => part.duplicatePoints),
    doubleRuns: of((part) => part.doubleRuns),
    orphans: of((part) => part.orphans),
    trials: of((part) => part.trials),
  }
}

const simulateOne = (seed: number): Simulated => {
  const { violations, weather, lostPoints, duplicatePoints, doubleRuns, orphans, trials } = simulate({ seed })
  const had = faultList.filter((fault) => fault.weather?.(weather, simulatedTimings.lease) === true)
  return {
    runs: new Map(had.map(({ number }) => [number, 1])),
    failing: violations.slice(0, 1).map(({ invariant, what }) => ({ seed, what: `${invariant}: ${what}` })),
    lostPoints,
    duplicatePoints,
    doubleRuns,
    orphans,
    trials,
  }
}

const inThread = (batch: Batch): Promise<Simulated> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: batch })
    worker.once("message", resolve)
    worker.once("error", reject)
    worker.once("exit", () => reject(new Error(`the thread of the seeds from ${batch.from} ended without a result`)))
  })

/** Simulates the seeds `from` … `from + count − 1`. */
export const simulateSeeds = async (from: number, count: number, say: (text: string) => void): Promise<Simulated> => {
  const batches: Array<Batch> = []
  for (let start = 0; start < count; start += batchSize) {
    batches.push({ simulate: "seeds", from: from + start, count: Math.min(batchSize, count - start) })
  }
  const parts: Array<Simulated> = []
  let done = 0
  const work = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const part = await inThread(batch)
      parts.push(part)
      for (const { seed, what } of part.failing)
        say(`seed ${seed}: ${what}; see it with npm run faults -- --seed ${seed}`)
      say(`${(done += batch.count)} of ${count} seeds`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return sum(parts)
}

if (!isMainThread && parentPort !== null && (workerData as Batch | undefined)?.simulate === "seeds") {
  const { from, count } = workerData as Batch
  parentPort.postMessage(sum(Array.from({ length: count }, (_, i) => simulateOne(from + i))))
}
