// The agent's end of the `ingest` benchmark, a process of its own: connects like an agent, takes eight trials and sends
// points for them over the real session whenever a line on standard input says so: `flood SECONDS` as fast as they are
// acknowledged, `paced SECONDS POINTS_PER_SECOND` at a rate. Owns both measurements; answers each with a line of JSON.
import { createInterface } from "node:readline"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Device, Slot } from "@sweep/domain/Device"
import { AgentId, type Epoch } from "@sweep/domain/Id"
import { AgentConnection } from "@sweep/protocol/AgentConnection"
import type { AgentMessage } from "@sweep/protocol/AgentMessage"
import { protocolVersion } from "@sweep/protocol/versions"
import * as grpcAgentConnection from "@sweep/grpc/grpcAgentConnection"

const [address] = process.argv.slice(2)

/** Of a flood: what the agent puts into one message of a spool that waits (256 KiB of lines with four values each). */
const pointsPerMessage = 4_000

/** Of a host with eight GPUs. */
const attempts = 8
/** Messages of one attempt under way, as the agent has them. */
const window = 8
const metrics = ["train/loss", "train/learning_rate", "train/grad_norm", "train/tokens_per_second"]

interface Sender {
  readonly epoch: Epoch
  sent: number
  acknowledged: number
  /** When each message under way was sent, and the line it ends with. */
  readonly underWay: Array<{ readonly lastSeq: number; readonly at: number }>
  wake: Deferred.Deferred<void>
}

/** One line is one optimiser step with a value of each of the four metrics. */
const message = (sender: Sender, points: number): AgentMessage => {
  const lines = Math.ceil(points / metrics.length)
  const count = lines * metrics.length
  const seq = new Uint32Array(count)
  const metric = new Uint32Array(count)
  const step = new Float64Array(count)
  const value = new Float64Array(count)
  const at = new Float64Array(count)
  const now = Date.now()
  for (let i = 0; i < count; i++) {
    const line = sender.sent + 1 + Math.floor(i / metrics.length)
    seq[i] = line
    metric[i] = i % metrics.length
    step[i] = line
    value[i] = 1 / (1 + line)
    at[i] = now
  }
  const firstSeq = sender.sent + 1
  sender.sent += lines
  sender.underWay.push({ lastSeq: sender.sent, at: performance.now() })
  return {
    _tag: "Events",
    epoch: sender.epoch,
    firstSeq,
    lastSeq: sender.sent,
    points: { metrics, seq, metric, step, value, at },
    events: [],
  }
}

const program = Effect.gen(function* () {
  const session = yield* (yield* AgentConnection).open
  const device = new Device({ kind: "cpu", index: 0, name: "benchmark", memoryBytes: 1, threads: 1 })
  yield* session.send({
    _tag: "Hello",
    protocol: protocolVersion,
    agent: AgentId.make("benchmark"),
    version: "benchmark",
    hostname: "localhost",
    slots: Array.from({ length: attempts }, (_, index) => new Slot({ index, devices: [device] })),
    trainers: ["peft"],
    held: [],
  })

  const senders = new Map<Epoch, Sender>()
  const ready = yield* Deferred.make<void>()
  const latencies: Array<number> = []
  let measuring = false
  yield* Effect.forkScoped(
    Stream.runForEach(session.incoming, (received) =>
      Effect.gen(function* () {
        if (received._tag === "Assign") {
          const wake = yield* Deferred.make<void>()
          senders.set(received.epoch, { epoch: received.epoch, sent: 0, acknowledged: 0, underWay: [], wake })
          if (senders.size === attempts) yield* Deferred.succeed(ready, undefined)
        }
        if (received._tag !== "Ack") return
        const now = performance.now()
        for (const { epoch, seq } of received.acknowledged) {
          const sender = senders.get(epoch)
          if (sender === undefined) continue
          sender.acknowledged = seq
          while (sender.underWay.length > 0 && sender.underWay[0]!.lastSeq <= seq) {
            const { at } = sender.underWay.shift()!
            if (measuring) latencies.push(now - at)
          }
          yield* Deferred.succeed(sender.wake, undefined)
        }
      }),
    ),
  )
  yield* Deferred.await(ready)

  const total = () => Array.from(senders.values()).reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  const flood = (sender: Sender, until: number) =>
    Effect.gen(function* () {
      while (performance.now() < until) {
        sender.wake = yield* Deferred.make<void>()
        if (sender.underWay.length < window) yield* session.send(message(sender, pointsPerMessage))
        else yield* Deferred.await(sender.wake)
      }
    })
  const everything = Effect.gen(function* () {
    while (order.some(({ underWay }) => underWay.length > 0)) yield* Effect.sleep("5 millis")
  })
  const order = Array.from(senders.values())

  const flooded = Effect.fnUntraced(function* (seconds: number) {
    const before = total()
    const started = performance.now()
    yield* Effect.forEach(order, (sender) => flood(sender, started + seconds * 1_000), {
      concurrency: "unbounded",
      discard: true,
    })
    // Acknowledged points only, and the time until the last of them was.
    yield* everything
    return { points: (total() - before) * metrics.length, seconds: (performance.now() - started) / 1_000 }
  })

  const paced = Effect.fnUntraced(function* (seconds: number, rate: number) {
    const interval = 10
    const ticks = (seconds * 1_000) / interval
    const points = (rate * interval) / 1_000
    latencies.length = 0
    measuring = true
    const begin = performance.now()
    for (let tick = 0; tick < ticks; tick++) {
      // By the clock and not by sleeping alone: late ticks are caught up with.
      const wait = begin + tick * interval - performance.now()
      if (wait > 0) yield* Effect.sleep(wait)
      yield* session.send(message(order[tick % order.length]!, points))
    }
    const rateSent = (ticks * points) / ((performance.now() - begin) / 1_000)
    yield* everything
    measuring = false
    latencies.sort((a, b) => a - b)
    const quantile = (q: number) => latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))]!
    return { rate: rateSent, p50: quantile(0.5), p99: quantile(0.99), max: latencies.at(-1)! }
  })

  console.log("ready")
  yield* Stream.runForEach(
    Stream.fromAsyncIterable(createInterface(process.stdin), (error) => error),
    (line) => {
      const [what, seconds, rate] = line.split(" ")
      const measured: Effect.Effect<object, unknown> =
        what === "flood" ? flooded(Number(seconds)) : paced(Number(seconds), Number(rate))
      return Effect.map(measured, (result) => console.log(JSON.stringify(result)))
    },
  )
}).pipe(Effect.scoped, Effect.provide(grpcAgentConnection.layer({ address: address! })))

await Effect.runPromise(program)
