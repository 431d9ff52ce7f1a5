// The agents of the `scale` benchmark, in one process: each has a connection and a slot of its own, speaks the real
// messages, and runs trials that are only their reports: some points a second for 10 to 30 s, then the end. Owns what they
// do and the measurements: from an end to the next assignment, from a batch to its acknowledgement, and how many broke
// off. The last line it prints is the result.
import { AgentServiceClient } from "@sweep/proto/agent"
import { Device, Slot } from "@sweep/domain/Device"
import { AgentId, type Epoch } from "@sweep/domain/Id"
import { protocolVersion } from "@sweep/protocol/versions"
import { decodeCoordinatorMessage, encodeAgentMessage } from "@sweep/grpc/agentCodec"
import { channelFor } from "@sweep/grpc/grpcChannel"

export interface Quantiles {
  readonly p50: number
  readonly p99: number
}
export interface Scaled {
  /** From the first connection on, until every agent has had a trial. */
  readonly settledSeconds: number
  readonly seconds: number
  readonly dispatches: number
  /** Milliseconds. */
  readonly dispatch: Quantiles
  readonly acknowledged: Quantiles
  readonly pointsPerSecond: number
  readonly lost: number
}

const [address, count, rate, seconds] = process.argv.slice(2)
const agents = Number(count)
/** A report a second, but for those that fall between two trials: of 20 about one and a half. */
const pointsPerReport = (Number(rate) / agents) * 1.08
const metrics = ["train/loss", "train/learning_rate", "train/grad_norm", "train/tokens_per_second"]
/** One in so many reports has an eval loss, too. */
const evalEvery = 10

interface Running {
  readonly epoch: Epoch
  readonly endsAt: number
  seq: number
  reports: number
  readonly underWay: Array<{ readonly lastSeq: number; readonly points: number; readonly at: number }>
}

const latencies = { dispatch: [] as Array<number>, acknowledged: [] as Array<number> }
let measuring = false
let points = 0
let lost = 0
let over = false

/** Trials last 10 to 30 s, so that they end at any time and not together. */
let drawn = 1
const trialMillis = () => {
  drawn = (drawn * 48_271) % 2_147_483_647
  return 10_000 + (drawn / 2_147_483_647) * 20_000
}

class Agent {
  running: Running | undefined
  private freeSince: number | undefined
  private readonly call
  private readonly client

  constructor(index: number, assigned: () => void) {
    this.client = new AgentServiceClient(...channelFor({ address: address! }))
    this.call = this.client.session()
    this.call.on("error", (error) => {
      if (over) return
      lost++
      console.log(`agent ${index}: ${error.message}`)
    })
    this.call.on("data", (response) => {
      const message = decodeCoordinatorMessage(response)
      const now = performance.now()
      if (message._tag === "Assign") {
        if (measuring && this.freeSince !== undefined) latencies.dispatch.push(now - this.freeSince)
        this.running = { epoch: message.epoch, endsAt: now + trialMillis(), seq: 0, reports: 0, underWay: [] }
        assigned()
      }
      if (message._tag !== "Ack") return
      for (const { epoch, seq } of message.acknowledged) {
        const { running } = this
        if (running?.epoch !== epoch) continue
        while (running.underWay.length > 0 && running.underWay[0]!.lastSeq <= seq) {
          const sent = running.underWay.shift()!
          if (!measuring) continue
          points += sent.points
          latencies.acknowledged.push(now - sent.at)
        }
      }
    })
    const device = new Device({ kind: "cpu", index: 0, name: "benchmark", memoryBytes: 1, threads: 1 })
    this.send({
      _tag: "Hello",
      protocol: protocolVersion,
      agent: AgentId.make(`agent-${index}`),
      version: "benchmark",
      hostname: `host-${index}`,
      slots: [new Slot({ index: 0, devices: [device] })],
      trainers: ["peft"],
      held: [],
    })
    setInterval(() => this.send({ _tag: "Heartbeat", at: performance.now() }), 10_000)
    // Spread over the second, as those of separate hosts are.
    setTimeout(() => setInterval(() => this.report(), 1_000), Math.random() * 1_000)
  }

  leave(): void {
    this.call.cancel()
    this.client.close()
  }

  private send(message: Parameters<typeof encodeAgentMessage>[0]): void {
    this.call.write(encodeAgentMessage(message))
  }

  private report(): void {
    const { running } = this
    if (running === undefined) return
    const now = performance.now()
    // What is on its way first: the end comes after every line.
    if (now >= running.endsAt && running.underWay.length === 0) {
      this.send({
        _tag: "Ended",
        epoch: running.epoch,
        lastSeq: running.seq,
        end: { _tag: "Finished", interrupted: false, step: running.seq, values: { "eval/loss": 1 } },
      })
      this.running = undefined
      this.freeSince = now
      return
    }
    const evaluates = ++running.reports % evalEvery === 1
    const names = evaluates ? [...metrics, "eval/loss"] : metrics
    const total = Math.floor(pointsPerReport)
    const columns = {
      metrics: names,
      seq: new Uint32Array(total),
      metric: new Uint32Array(total),
      step: new Float64Array(total),
      value: new Float64Array(total),
      at: new Float64Array(total),
    }
    const firstSeq = running.seq + 1
    const at = Date.now()
    for (let i = 0; i < total; i++) {
      const line = firstSeq + Math.floor(i / metrics.length)
      columns.seq[i] = line
      columns.metric[i] = evaluates && i === total - 1 ? metrics.length : i % metrics.length
      columns.step[i] = line
      columns.value[i] = 1 + 1 / line
      columns.at[i] = at
    }
    running.seq = columns.seq[total - 1]!
    running.underWay.push({ lastSeq: running.seq, points: total, at: now })
    this.send({
      _tag: "Events",
      epoch: running.epoch,
      firstSeq,
      lastSeq: running.seq,
      points: columns,
      events: [],
    })
  }
}

const quantiles = (values: Array<number>): Quantiles => {
  values.sort((a, b) => a - b)
  const at = (q: number) => values[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
const wait = (millis: number) => new Promise<void>((done) => setTimeout(done, millis))

const began = performance.now()
const first = new Set<number>()
const all = Array.from({ length: agents }, (_, index) => new Agent(index, () => void first.add(index)))
while (first.size < agents && lost === 0 && performance.now() - began < 300_000) await wait(50)
const settledSeconds = (performance.now() - began) / 1_000
console.log(`${first.size} agents at work after ${settledSeconds.toFixed(1)} s`)
// Until the first trials have ended and ends come evenly.
await wait(15_000)
measuring = true
const from = performance.now()
await wait(Number(seconds) * 1_000)
measuring = false
const measured = (performance.now() - from) / 1_000
over = true
const result: Scaled = {
  settledSeconds,
  seconds: (performance.now() - began) / 1_000,
  dispatches: latencies.dispatch.length,
  dispatch: quantiles(latencies.dispatch),
  acknowledged: quantiles(latencies.acknowledged),
  pointsPerSecond: points / measured,
  lost,
}
console.log(JSON.stringify(result))
for (const agent of all) agent.leave()
process.exit(0)
