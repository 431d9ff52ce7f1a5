// Whatever the bytes: a message with meaning, or a WireError that says what is wrong; never another exception.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { defaultTimings } from "@sweep/domain/Lease"
import { SessionRequest, SessionResponse } from "@sweep/proto/agent"
import type { AgentMessage, CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import {
  decodeAgentMessage,
  decodeCoordinatorMessage,
  encodeAgentMessage,
  encodeCoordinatorMessage,
} from "../src/codec/agentCodec.ts"
import { WireError } from "../src/transport/WireError.ts"
import { evalLosses, eventsMessage, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { fuzzRuns } from "@sweep/domain/fuzzRuns"
import { said } from "@sweep/domain/Reason"
import { protocolVersion } from "@sweep/protocol/versions"

const runs = fuzzRuns(3_000)
const epoch = Epoch.make(7)

const up: ReadonlyArray<AgentMessage> = [
  {
    _tag: "Hello",
    protocol: 1,
    agent: AgentId.make("host"),
    version: "1",
    hostname: "h",
    slots: slotsOf(2),
    trainers: ["peft"],
    held: [{ epoch, slot: 0, running: true }],
  },
  eventsMessage(epoch, evalLosses(3, 2, 1), 1, [
    { type: "sample", seq: 4, at: "2026-01-01T00:00:00.000Z", probe: 0, prompt: "p", answer: "a" },
  ]),
  { _tag: "Heartbeat", at: 1.5 },
  { _tag: "Log", epoch, stream: "stdout", offset: 0, end: 4, text: "text" },
  { _tag: "Ended", epoch, lastSeq: 4, end: { _tag: "Failed", class: "bug", message: said("m"), detail: "d" } },
]
const down: ReadonlyArray<CoordinatorMessage> = [
  {
    _tag: "Welcome",
    protocol: protocolVersion,
    timings: defaultTimings,
    acknowledged: [{ epoch, seq: 1, stdout: 2, stderr: 3 }],
    discard: [epoch],
  },
  {
    _tag: "Assign",
    sweep: SweepId.make("s"),
    trial: TrialNumber.make(1),
    attempt: 1,
    epoch,
    slot: 0,
    trainer: "command",
    command: ["python", "x.py"],
    trialJson: "{}",
  },
  { _tag: "Stop", epoch, mode: "kill", reason: said("r") },
  { _tag: "Heard", at: 1.5 },
]

/** Any bytes, and those of a good message with some changed, repeated, or gone. */
const bytesLike = (seeds: ReadonlyArray<Uint8Array>): fc.Arbitrary<Uint8Array> => {
  const edit = fc.record({
    at: fc.nat({ max: 400 }),
    with: fc.uint8Array({ maxLength: 4 }),
    over: fc.nat({ max: 8 }),
  })
  const edited = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([seed, edits]) => {
      let bytes = Array.from(seed)
      for (const change of edits) {
        const at = bytes.length === 0 ? 0 : change.at % bytes.length
        bytes = [...bytes.slice(0, at), ...change.with, ...bytes.slice(at + change.over)]
      }
      return Uint8Array.from(bytes)
    })
  return fc.oneof({ weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) }, { weight: 9, arbitrary: edited })
}

const check = <Wire>(
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => Wire,
  decode: (wire: Wire) => { _tag: string },
) => {
  let wire: Wire
  try {
    wire = read(bytes)
  } catch {
    // No protobuf at all: the transport's to refuse.
    return
  }
  try {
    expect(decode(wire)._tag).toMatch(/^[A-Z]/)
  } catch (error) {
    expect(error).toBeInstanceOf(WireError)
    expect((error as WireError).message.length).toBeLessThan(2_000)
  }
}

describe("any bytes", () => {
  it("from an agent are a message or a WireError", () => {
    const seeds = up.map((message) => SessionRequest.encode(encodeAgentMessage(message)).finish())
    fc.assert(
      fc.property(bytesLike(seeds), (bytes) => check(bytes, SessionRequest.decode, decodeAgentMessage)),
      runs,
    )
  })

  it("from a coordinator are a message or a WireError", () => {
    const seeds = down.map((message) => SessionResponse.encode(encodeCoordinatorMessage(message)).finish())
    fc.assert(
      fc.property(bytesLike(seeds), (bytes) => check(bytes, SessionResponse.decode, decodeCoordinatorMessage)),
      runs,
    )
  })
})
