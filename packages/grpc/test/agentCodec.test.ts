import { describe, expect, it } from "vitest"
import { Device, Slot } from "@sweep/domain/Device"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { defaultTimings } from "@sweep/domain/Lease"
import { said } from "@sweep/domain/Reason"
import { SessionRequest, SessionResponse } from "@sweep/proto/agent"
import type { AgentMessage, CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import {
  decodeAgentMessage,
  decodeCoordinatorMessage,
  encodeAgentMessage,
  encodeCoordinatorMessage,
} from "../src/codec/agentCodec.ts"
import { WireError } from "../src/transport/WireError.ts"
import { protocolVersion } from "@sweep/protocol/versions"

const epoch = Epoch.make(17)
const slot = new Slot({
  index: 0,
  devices: [new Device({ kind: "cuda", index: 3, name: "H100 <script>", memoryBytes: 8e10, threads: 4 })],
})

/** Through the bytes, as over a network. */
const up = (message: AgentMessage) =>
  decodeAgentMessage(SessionRequest.decode(SessionRequest.encode(encodeAgentMessage(message)).finish()))
const down = (message: CoordinatorMessage) =>
  decodeCoordinatorMessage(SessionResponse.decode(SessionResponse.encode(encodeCoordinatorMessage(message)).finish()))

const fromAgent: ReadonlyArray<AgentMessage> = [
  {
    _tag: "Hello",
    protocol: 1,
    agent: AgentId.make("host-1"),
    version: "0.1.0",
    hostname: "host",
    slots: [slot],
    trainers: ["peft"],
    held: [{ epoch, slot: 0, running: true }],
  },
  { _tag: "Slots", slots: [], draining: true },
  { _tag: "Heartbeat", at: 12_345.678 },
  {
    _tag: "Log",
    epoch,
    stream: "stderr",
    offset: 2 ** 40,
    end: 2 ** 40 + 7,
    text: "训练\r\u001b[0m",
  },
  {
    _tag: "Ended",
    epoch,
    lastSeq: 9,
    end: { _tag: "Finished", interrupted: true, step: 30, values: { "eval/loss": Number.NaN, "train/loss": 0.25 } },
  },
  {
    _tag: "Ended",
    epoch,
    lastSeq: 0,
    end: { _tag: "Failed", class: "oom", message: said("out of memory"), detail: null },
  },
  {
    _tag: "Ended",
    epoch,
    lastSeq: 1,
    end: {
      _tag: "Failed",
      class: "oom",
      message: said("out of memory"),
      detail: null,
      memory: {
        kind: "rocm",
        peakDeviceBytes: 2 ** 34,
        peakHostBytes: null,
        tried: { microBatchSize: 1, gradientCheckpointing: true },
      },
    },
  },
  { _tag: "Ended", epoch, lastSeq: 0, end: { _tag: "Released", cause: said("drained") } },
  { _tag: "Ended", epoch, lastSeq: 0, end: { _tag: "Released", cause: said("it waits"), pausedAt: 128 } },
]

const fromCoordinator: ReadonlyArray<CoordinatorMessage> = [
  {
    _tag: "Welcome",
    protocol: protocolVersion,
    timings: defaultTimings,
    acknowledged: [{ epoch, seq: 4, stdout: 10, stderr: 0 }],
    discard: [Epoch.make(3)],
  },
  {
    _tag: "Assign",
    sweep: SweepId.make("s"),
    trial: TrialNumber.make(2),
    attempt: 1,
    epoch,
    slot: 1,
    trainer: "command",
    command: ["python", "-c", ""],
    trialJson: "{}",
  },
  {
    _tag: "Assign",
    sweep: SweepId.make("s"),
    trial: TrialNumber.make(2),
    attempt: 1,
    epoch,
    slot: 1,
    trainer: "peft",
    command: null,
    trialJson: "{}",
  },
  { _tag: "Stop", epoch, mode: "preempt", reason: said("paused") },
  { _tag: "Ack", acknowledged: [], ended: [epoch] },
  { _tag: "Heard", at: 12_345.678 },
  { _tag: "Drain", reason: said("upgrade") },
]

describe("agent messages", () => {
  it.each(fromAgent)("$_tag arrives as it was sent", (message) => {
    expect(up(message)).toEqual(message)
  })

  it.each(fromCoordinator)("$_tag arrives as it was sent", (message) => {
    expect(down(message)).toEqual(message)
  })

  it.each(["../../etc", "..", ".", "", "a/b", "a\\b", "%2e%2e%2f", "a;b", "A", "a\0", "a\n", "-a", "a".repeat(65)])(
    "an assignment of the sweep %j is refused: its name becomes part of paths",
    (sweep) => {
      const assign = fromCoordinator.find((message) => message._tag === "Assign")!
      expect(() => down({ ...assign, sweep } as CoordinatorMessage)).toThrow(WireError)
    },
  )

  it("carries points in columns, whatever arrays they came in", () => {
    const points = {
      metrics: ["train/loss", "eval/loss"],
      seq: [3, 3, 5],
      metric: [0, 1, 0],
      step: [1, 1, 2.5],
      value: [Number.NaN, Number.NEGATIVE_INFINITY, 1e-300],
      at: [1.7e12, 1.7e12, 1.7e12 + 1],
    }
    const message = up({
      _tag: "Events",
      epoch,
      firstSeq: 3,
      lastSeq: 6,
      points,
      events: [{ type: "sample", seq: 6, at: "2025-01-01T00:00:00.000Z", probe: 0, prompt: "p", answer: "a" }],
    })
    if (message._tag !== "Events") throw new Error("not events")
    expect(message.events).toHaveLength(1)
    expect(Object.fromEntries(Object.entries(message.points).map(([k, v]) => [k, Array.from(v)]))).toEqual(points)
    expect(message.points.value).toBeInstanceOf(Float64Array)
  })

  const events = (change: object) => {
    const sound = encodeAgentMessage({
      _tag: "Events",
      epoch,
      firstSeq: 1,
      lastSeq: 2,
      points: { metrics: ["a"], seq: [1, 2], metric: [0, 0], step: [1, 2], value: [1, 2], at: [0, 0] },
      events: [],
    })
    if (sound.message?.$case !== "events") throw new Error("not events")
    return {
      message: {
        ...sound.message,
        value: { ...sound.message.value, ...change },
      },
    }
  }
  const points = (change: object) => {
    const sound = events({})
    return events({ points: { ...sound.message.value.points, ...change } })
  }

  it.each([
    ["a column cut short", points({ value: Buffer.alloc(8) }), /differ in length/],
    ["a column that is no column", points({ value: Buffer.alloc(9) }), /no column of 64-bit/],
    ["a metric without a name", points({ metrics: [] }), /no metric 0/],
    ["a line outside of the run", events({ lastSeq: 1n }), /line 2 is not within/],
    ["a run that ends before it starts", events({ lastSeq: 0n }), /no run of lines/],
    ["a run of more lines than are kept", events({ lastSeq: 2n ** 31n }), /seq/],
    ["a step that is no number", points({ step: Buffer.alloc(16, 0xff) }), /finite/],
    ["an epoch of 0", events({ epoch: 0n }), /epoch/],
    ["an epoch beyond all numbers", events({ epoch: 2n ** 63n }), /epoch/],
    ["an event of an unknown type", events({ eventsJson: ['{"type":"party","seq":1,"at":""}'] }), /events/],
    ["an event that is no JSON", events({ eventsJson: ["{"] }), /events/],
    ["no message at all", { message: undefined }, /empty message/],
    ["a log stream nobody knows", encodeLogWith(7), /stream/],
  ])("refuses %s", (_, message, reason) => {
    expect(() => decodeAgentMessage(message as SessionRequest)).toThrow(WireError)
    expect(() => decodeAgentMessage(message as SessionRequest)).toThrow(reason)
  })
})

function encodeLogWith(stream: number) {
  return { message: { $case: "log", value: { epoch: 1n, stream, offset: 0n, end: 0n, text: "" } } }
}
