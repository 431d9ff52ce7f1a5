// Between agent.proto and AgentMessage. Owns the conversion in both directions and the checks of what arrives; the
// decoders throw a WireError that names the field.
import * as Schema from "effect/Schema"
import { Slot } from "@sweep/domain/Device"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { Timings } from "@sweep/domain/Lease"
import { MemoryKind, type OutOfMemory } from "@sweep/domain/OutOfMemory"
import type { PointColumns } from "@sweep/domain/PointColumns"
import { FailureClass, LineNumber, TrialEvent } from "@sweep/domain/TrialEvent"
import * as wire from "@sweep/proto/agent"
import {
  type Acknowledged,
  type AgentMessage,
  agentTrainers,
  type AttemptEnd,
  type CoordinatorMessage,
  type StopMode,
} from "@sweep/protocol/AgentMessage"
import { fromBytes32, fromBytes64, toBytes32, toBytes64 } from "./columnBytes.ts"
import { protocolVersion, unsaidProtocol, versionProblem } from "@sweep/protocol/versions"
import { decodeReason, encodeReason } from "./reasonCodec.ts"
import { WireError } from "../transport/WireError.ts"
import { wireReader } from "./wireReader.ts"

const fail = (message: string): never => {
  throw new WireError({ message })
}

const unknownMessage = `an empty message, or one that protocol version ${protocolVersion} does not have: the other side runs a newer sweep; upgrade this one`

const agentId = wireReader("agent", AgentId)
const epochOf = wireReader("epoch", Epoch)
const epoch = (value: bigint) => epochOf(Number(value))
const sweepId = wireReader("sweep", SweepId)
const trialNumber = wireReader("trial", TrialNumber)
/** Of one agent: no machine has more devices, and each is a trial that an agent takes. */
const mostSlots = 1_024
/** Lines of an agent's log in one message, and characters of one line. */
const mostNotes = 500
const longestNote = 2_000

const slots = wireReader("slots", Schema.fromJsonString(Schema.Array(Slot).check(Schema.isMaxLength(mostSlots))))
const trialEvent = wireReader("events", Schema.fromJsonString(TrialEvent))
const lineNumber = wireReader("seq", LineNumber)
const failureClass = wireReader("class", FailureClass)
const timings = wireReader("timings", Timings)
const trainer = wireReader("trainer", Schema.Literals(agentTrainers))

const count = (field: string, value: bigint): number => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : fail(`${field}: ${value} is out of range`)
}

const finite = (field: string, value: number): number =>
  Number.isFinite(value) ? value : fail(`${field}: has to be finite`)

const logStreams = {
  stdout: wire.LogStream.LOG_STREAM_STDOUT,
  stderr: wire.LogStream.LOG_STREAM_STDERR,
} as const
const stopModes = {
  finish: wire.StopMode.STOP_MODE_FINISH,
  preempt: wire.StopMode.STOP_MODE_PREEMPT,
  kill: wire.StopMode.STOP_MODE_KILL,
} as const satisfies Record<StopMode, wire.StopMode>

const named = <K extends string>(field: string, table: Readonly<Record<K, number>>, value: number): K => {
  for (const name in table) if (table[name] === value) return name
  return fail(`${field}: unknown value ${value}`)
}

const encodePoints = (points: PointColumns): wire.Points => ({
  metrics: [...points.metrics],
  seq: toBytes32(points.seq),
  metric: toBytes32(points.metric),
  step: toBytes64(points.step),
  value: toBytes64(points.value),
  at: toBytes64(points.at),
})

const noPoints: PointColumns = { metrics: [], seq: [], metric: [], step: [], value: [], at: [] }

const decodePoints = (points: wire.Points | undefined, firstSeq: number, lastSeq: number): PointColumns => {
  if (points === undefined) return noPoints
  const seq = fromBytes32("points.seq", points.seq)
  const metric = fromBytes32("points.metric", points.metric)
  const step = fromBytes64("points.step", points.step)
  const value = fromBytes64("points.value", points.value)
  const at = fromBytes64("points.at", points.at)
  const length = seq.length
  if (metric.length !== length || step.length !== length || value.length !== length || at.length !== length) {
    fail("points: the columns differ in length")
  }
  for (let i = 0, before = firstSeq; i < length; i++) {
    const line = seq[i]!
    if (line < before || line > lastSeq) fail(`points.seq: line ${line} is not within ${before} … ${lastSeq}`)
    if (metric[i]! >= points.metrics.length) fail(`points.metric: there is no metric ${metric[i]}`)
    if (!Number.isFinite(step[i]) || !Number.isFinite(at[i])) fail("points: step and at have to be finite")
    before = line
  }
  return { metrics: points.metrics, seq, metric, step, value, at }
}

const encodeReleased = ({ cause, pausedAt }: Extract<AttemptEnd, { readonly _tag: "Released" }>): wire.Released => {
  const { text, json } = encodeReason(cause)
  return { cause: text, causeJson: json, pausedAt }
}

const encodeMemory = ({ kind, peakDeviceBytes, peakHostBytes, tried }: OutOfMemory): wire.OutOfMemory => ({
  kind,
  peakDeviceBytes: peakDeviceBytes ?? undefined,
  peakHostBytes: peakHostBytes ?? undefined,
  tried: tried ?? undefined,
})

const isMemoryKind = Schema.is(MemoryKind)
const decodeMemory = ({ kind, peakDeviceBytes, peakHostBytes, tried }: wire.OutOfMemory): OutOfMemory => ({
  // A newer agent may tell apart more.
  kind: isMemoryKind(kind) ? kind : "unknown",
  peakDeviceBytes: peakDeviceBytes === undefined ? null : finite("memory.peak_device_bytes", peakDeviceBytes),
  peakHostBytes: peakHostBytes === undefined ? null : finite("memory.peak_host_bytes", peakHostBytes),
  tried:
    tried === undefined
      ? null
      : { microBatchSize: tried.microBatchSize, gradientCheckpointing: tried.gradientCheckpointing },
})

const encodeEnd = (end: AttemptEnd): wire.Ended["end"] => {
  switch (end._tag) {
    case "Finished":
      return { $case: "finished", value: { interrupted: end.interrupted, step: end.step, values: { ...end.values } } }
    case "Failed": {
      const { text, json } = encodeReason(end.message)
      return {
        $case: "failed",
        value: {
          class: end.class,
          message: text,
          messageJson: json,
          detail: end.detail ?? undefined,
          memory: end.memory && encodeMemory(end.memory),
        },
      }
    }
    case "Released":
      return { $case: "released", value: encodeReleased(end) }
  }
}

const decodeEnd = (end: wire.Ended["end"]): AttemptEnd => {
  switch (end?.$case) {
    case "finished":
      return {
        _tag: "Finished",
        interrupted: end.value.interrupted,
        step: finite("ended.step", end.value.step),
        values: end.value.values,
      }
    case "failed":
      return {
        _tag: "Failed",
        class: failureClass(end.value.class),
        message: decodeReason(end.value.message, end.value.messageJson),
        detail: end.value.detail ?? null,
        ...(end.value.memory !== undefined && { memory: decodeMemory(end.value.memory) }),
      }
    case "released":
      return {
        _tag: "Released",
        cause: decodeReason(end.value.cause, end.value.causeJson),
        ...(end.value.pausedAt !== undefined && { pausedAt: end.value.pausedAt }),
      }
    case undefined:
      return fail("ended: neither finished, failed nor released")
  }
}

const encodeAcknowledged = (mark: Acknowledged): wire.Acknowledged => ({
  epoch: BigInt(mark.epoch),
  seq: BigInt(mark.seq),
  stdout: BigInt(mark.stdout),
  stderr: BigInt(mark.stderr),
})

const decodeAcknowledged = (mark: wire.Acknowledged): Acknowledged => ({
  epoch: epoch(mark.epoch),
  seq: count("seq", mark.seq),
  stdout: count("stdout", mark.stdout),
  stderr: count("stderr", mark.stderr),
})

export const encodeAgentMessage = (message: AgentMessage): wire.SessionRequest => {
  switch (message._tag) {
    case "Hello":
      return {
        message: {
          $case: "hello",
          value: {
            protocol: message.protocol,
            agent: message.agent,
            version: message.version,
            hostname: message.hostname,
            slotsJson: JSON.stringify(message.slots),
            trainers: [...message.trainers],
            held: message.held.map((held) => ({
              epoch: BigInt(held.epoch),
              slot: held.slot,
              running: held.running,
              sweep: held.sweep ?? "",
              trial: held.trial ?? 0,
            })),
            host: message.host ?? "",
            boot: message.boot ?? "",
            store: message.store?.id ?? "",
            lastEpoch: BigInt(message.store?.lastEpoch ?? 0),
          },
        },
      }
    case "Slots":
      return {
        message: {
          $case: "slots",
          value: { slotsJson: JSON.stringify(message.slots), draining: message.draining },
        },
      }
    case "Notes":
      return { message: { $case: "notes", value: { lines: [...message.lines] } } }
    case "Heartbeat":
      return { message: { $case: "heartbeat", value: { atMs: message.at } } }
    case "Events":
      return {
        message: {
          $case: "events",
          value: {
            epoch: BigInt(message.epoch),
            firstSeq: BigInt(message.firstSeq),
            lastSeq: BigInt(message.lastSeq),
            points: message.points.seq.length === 0 ? undefined : encodePoints(message.points),
            eventsJson: message.events.map((event) => JSON.stringify(event)),
          },
        },
      }
    case "Log":
      return {
        message: {
          $case: "log",
          value: {
            epoch: BigInt(message.epoch),
            stream: logStreams[message.stream],
            offset: BigInt(message.offset),
            end: BigInt(message.end),
            text: message.text,
          },
        },
      }
    case "Ended":
      return {
        message: {
          $case: "ended",
          value: {
            epoch: BigInt(message.epoch),
            lastSeq: BigInt(message.lastSeq),
            end: encodeEnd(message.end),
            skipped:
              message.skipped === undefined
                ? undefined
                : { ...message.skipped, problem: message.skipped.problem ?? undefined },
          },
        },
      }
  }
}

export const decodeAgentMessage = ({ message }: wire.SessionRequest): AgentMessage => {
  switch (message?.$case) {
    case "hello": {
      const { protocol, agent, version, hostname, slotsJson, trainers, held } = message.value
      // Before what the greeting of another version may have changed.
      const problem = versionProblem({ kind: "agent", protocol, version })
      if (problem !== undefined) fail(problem)
      return {
        _tag: "Hello",
        protocol,
        agent: agentId(agent),
        version,
        hostname,
        slots: slots(slotsJson),
        trainers,
        held: held.map((attempt) => ({
          epoch: epoch(attempt.epoch),
          slot: attempt.slot,
          running: attempt.running,
          ...(attempt.sweep !== "" && { sweep: sweepId(attempt.sweep), trial: trialNumber(attempt.trial) }),
        })),
        ...(message.value.host !== "" && { host: message.value.host, boot: message.value.boot }),
        ...(message.value.store !== "" && {
          store: { id: message.value.store, lastEpoch: count("last_epoch", message.value.lastEpoch) },
        }),
      }
    }
    case "slots":
      return { _tag: "Slots", slots: slots(message.value.slotsJson), draining: message.value.draining }
    case "notes":
      // For people to read: what is too long is cut, not refused.
      return { _tag: "Notes", lines: message.value.lines.slice(-mostNotes).map((line) => line.slice(0, longestNote)) }
    case "heartbeat":
      return { _tag: "Heartbeat", at: finite("heartbeat.at_ms", message.value.atMs) }
    case "events": {
      const firstSeq = count("first_seq", message.value.firstSeq)
      const lastSeq = count("last_seq", message.value.lastSeq)
      if (firstSeq < 1 || lastSeq < firstSeq) fail(`events: lines ${firstSeq} … ${lastSeq} are no run of lines`)
      // More than the columns of the store hold would break the commit that it shares with others.
      lineNumber(lastSeq)
      return {
        _tag: "Events",
        epoch: epoch(message.value.epoch),
        firstSeq,
        lastSeq,
        points: decodePoints(message.value.points, firstSeq, lastSeq),
        events: message.value.eventsJson.map(trialEvent),
      }
    }
    case "log": {
      const offset = count("offset", message.value.offset)
      const end = count("end", message.value.end)
      if (end < offset) fail(`log: it ends at ${end}, before its start ${offset}`)
      return {
        _tag: "Log",
        epoch: epoch(message.value.epoch),
        stream: named("stream", logStreams, message.value.stream),
        offset,
        end,
        text: message.value.text,
      }
    }
    case "ended": {
      const { skipped } = message.value
      return {
        _tag: "Ended",
        epoch: epoch(message.value.epoch),
        lastSeq: count("last_seq", message.value.lastSeq),
        end: decodeEnd(message.value.end),
        ...(skipped !== undefined && { skipped: { ...skipped, problem: skipped.problem ?? null } }),
      }
    }
    case undefined:
      return fail(unknownMessage)
  }
}

export const encodeCoordinatorMessage = (message: CoordinatorMessage): wire.SessionResponse => {
  switch (message._tag) {
    case "Welcome": {
      const { heartbeat, suspect, lease, grace, margin } = message.timings
      return {
        message: {
          $case: "welcome",
          value: {
            timings: {
              heartbeatMs: heartbeat,
              suspectMs: suspect,
              leaseMs: lease,
              graceMs: grace,
              marginMs: margin,
            },
            acknowledged: message.acknowledged.map(encodeAcknowledged),
            discard: message.discard.map(BigInt),
            store: message.store ?? "",
            protocol: message.protocol,
          },
        },
      }
    }
    case "Assign":
      return {
        message: {
          $case: "assign",
          value: {
            sweep: message.sweep,
            trial: message.trial,
            attempt: message.attempt,
            epoch: BigInt(message.epoch),
            slot: message.slot,
            trainer: message.trainer,
            command: message.command === null ? undefined : { arguments: [...message.command] },
            trialJson: message.trialJson,
          },
        },
      }
    case "Stop": {
      const { text, json } = encodeReason(message.reason)
      return {
        message: {
          $case: "stop",
          value: { epoch: BigInt(message.epoch), mode: stopModes[message.mode], reason: text, reasonJson: json },
        },
      }
    }
    case "Ack":
      return {
        message: {
          $case: "ack",
          value: {
            acknowledged: message.acknowledged.map(encodeAcknowledged),
            ended: message.ended.map(BigInt),
          },
        },
      }
    case "Heard":
      return { message: { $case: "heard", value: { atMs: message.at } } }
    case "Drain": {
      const { text, json } = encodeReason(message.reason)
      return { message: { $case: "drain", value: { reason: text, reasonJson: json } } }
    }
  }
}

export const decodeCoordinatorMessage = ({ message }: wire.SessionResponse): CoordinatorMessage => {
  switch (message?.$case) {
    case "welcome": {
      const given = message.value.timings ?? fail("welcome: no timings")
      return {
        _tag: "Welcome",
        timings: timings({
          heartbeat: given.heartbeatMs,
          suspect: given.suspectMs,
          lease: given.leaseMs,
          grace: given.graceMs,
          margin: given.marginMs,
        }),
        protocol: message.value.protocol === 0 ? unsaidProtocol : message.value.protocol,
        acknowledged: message.value.acknowledged.map(decodeAcknowledged),
        discard: message.value.discard.map(epoch),
        ...(message.value.store !== "" && { store: message.value.store }),
      }
    }
    case "assign": {
      const { sweep, trial, attempt, slot, command, trialJson } = message.value
      return {
        _tag: "Assign",
        sweep: sweepId(sweep),
        trial: trialNumber(trial),
        attempt,
        epoch: epoch(message.value.epoch),
        slot,
        trainer: trainer(message.value.trainer),
        command: command === undefined ? null : command.arguments,
        trialJson,
      }
    }
    case "stop":
      return {
        _tag: "Stop",
        epoch: epoch(message.value.epoch),
        mode: named("mode", stopModes, message.value.mode),
        reason: decodeReason(message.value.reason, message.value.reasonJson),
      }
    case "ack":
      return {
        _tag: "Ack",
        acknowledged: message.value.acknowledged.map(decodeAcknowledged),
        ended: message.value.ended.map(epoch),
      }
    case "heard":
      return { _tag: "Heard", at: finite("heard.at_ms", message.value.atMs) }
    case "drain":
      return { _tag: "Drain", reason: decodeReason(message.value.reason, message.value.reasonJson) }
    case undefined:
      return fail("an empty message, or one this version does not know")
  }
}
