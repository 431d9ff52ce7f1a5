// How fast metrics become durable: an agent in a process of its own → gRPC on loopback → the coordinator → committed in
// DuckDB, acknowledged points only. Compared with DuckDB's bare appender on the same disk, committing as many points at
// a time. Target: at least half of it; and at 10,000 points/s the 99th percentile from sending a batch to its
// acknowledgement below 150 ms. Both are measured in several short rounds that take turns with the appender, and the
// median round counts: other work on the machine meets both sides.
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Coordinator from "@sweep/coordinator/Coordinator"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { formatAddress } from "@sweep/grpc/address"
import { serveGrpc } from "@sweep/grpc/grpcServer"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as DuckdbStore from "@sweep/store/DuckdbStore"
import { Store } from "@sweep/store/Store"
import { bareAppender } from "./bareAppender.ts"
import { median } from "./median.ts"

const rounds = 5
const secondsPerRound = 2
const rate = 10_000
const targetRatio = 0.5
const targetP99 = 150

const file = { path: "/data.json", sha256: "", bytes: 1, records: 1 }
const spec = Schema.decodeUnknownSync(SweepSpec)({
  name: "ingest",
  description: "",
  model: "/model",
  data: { train: file, eval: file },
  trainer: "peft",
  command: null,
  metric: { name: "eval/loss", goal: "minimize", summary: "best", target: null },
  method: "random",
  space: {
    dimensions: [
      {
        name: "learning_rate",
        distribution: { _tag: "LogUniform", min: 1e-5, max: 1e-2 },
        when: null,
        prior: null,
      },
    ],
    derived: [],
    constraints: [],
  },
  seed: 1,
  replicas: 1,
  earlyTerminate: null,
  overfitting: { action: "flag" },
  budget: { trials: 8, gpuHours: null, hours: null },
  resources: { gpus: 1 },
  probes: [],
  enqueue: [],
  source: { path: "", text: "" },
})

/** Counts what the coordinator commits together, so that the appender is asked to do the same. */
const counted = { commits: 0, points: 0 }
const counting = Layer.effect(
  Store,
  Effect.map(Store, (store) => ({
    ...store,
    ingest: (batches, logs) => {
      counted.commits++
      for (const { points } of batches) counted.points += points.seq.length
      return store.ingest(batches, logs)
    },
  })),
)

interface Flooded {
  readonly points: number
  readonly seconds: number
}
interface Paced {
  readonly rate: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** The agent's process: asked one line, it answers one line. */
const startClient = (address: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const script = fileURLToPath(new URL("ingestClient.ts", import.meta.url))
      const child = spawn(process.execPath, [script, address], { stdio: ["pipe", "pipe", "inherit"] })
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      const answer = async () => {
        const { value, done } = await lines.next()
        if (done === true) throw new Error("the client ended")
        return value
      }
      await answer()
      return {
        child,
        ask: <A>(line: string) =>
          Effect.promise(async (): Promise<A> => {
            child.stdin.write(`${line}\n`)
            return JSON.parse(await answer())
          }),
      }
    }),
    ({ child }) => Effect.sync(() => child.kill()),
  )

const directory = mkdtempSync(join(tmpdir(), "sweep-ingest-"))
try {
  const measure = Effect.gen(function* () {
    yield* (yield* SweepApi).submit(spec)
    const address = formatAddress(yield* serveGrpc({ host: "127.0.0.1", port: 0 }))
    const client = yield* startClient(address)
    // The first second compiles the code of both processes.
    yield* client.ask<Flooded>("flood 1")
    const found = []
    for (let round = 0; round < rounds; round++) {
      Object.assign(counted, { commits: 0, points: 0 })
      const ours = yield* client.ask<Flooded>(`flood ${secondsPerRound}`)
      const pointsPerCommit = Math.max(1, Math.round(counted.points / counted.commits))
      const bare = yield* Effect.promise(() => bareAppender({ pointsPerCommit, seconds: secondsPerRound, directory }))
      const paced = yield* client.ask<Paced>(`paced ${secondsPerRound} ${rate}`)
      const pointsPerSecond = ours.points / ours.seconds
      console.log(
        `round ${round + 1}: ${Math.round(pointsPerSecond)} points/s, ${pointsPerCommit} in a commit; ` +
          `bare appender ${Math.round(bare.pointsPerSecond)}; at ${Math.round(paced.rate)} points/s acknowledged after ` +
          `${paced.p50.toFixed(1)} ms (median), ${paced.p99.toFixed(1)} ms (99th percentile), ${paced.max.toFixed(1)} ms (longest)`,
      )
      found.push({ pointsPerSecond, pointsPerCommit, bare: bare.pointsPerSecond, ...paced })
    }
    return found
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Coordinator.layer({ version: "bench", home: directory }).pipe(
        Layer.provide(counting),
        Layer.provide(DuckdbStore.layer({ directory })),
        Layer.provide(NodeFileSystem.layer),
      ),
    ),
  )
  const found = await Effect.runPromise(measure)
  const ratio = median(found.map(({ pointsPerSecond, bare }) => pointsPerSecond / bare))
  const p99 = median(found.map((round) => round.p99))
  console.log(
    JSON.stringify({
      name: "ingest",
      ratio: Number(ratio.toFixed(3)),
      p99_ms: Number(p99.toFixed(1)),
      points_per_second: Math.round(median(found.map(({ pointsPerSecond }) => pointsPerSecond))),
      bare_points_per_second: Math.round(median(found.map(({ bare }) => bare))),
      points_per_commit: median(found.map(({ pointsPerCommit }) => pointsPerCommit)),
      p50_ms: Number(median(found.map(({ p50 }) => p50)).toFixed(1)),
      ok: ratio >= targetRatio && p99 < targetP99,
    }),
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
