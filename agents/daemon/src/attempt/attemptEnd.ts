// How an attempt ended, decided from everything there is to see: the spool's last word, how the trainer went, what it was
// asked, what it left on standard error. Owns the decision and its sentences; it is pure.
import type { AttemptEnd } from "@sweep/protocol/AgentMessage"
import type { MemoryKind, OutOfMemory } from "@sweep/domain/OutOfMemory"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import { metricNumber, type TrialEventOf } from "@sweep/domain/TrialEvent"
import type { StopRequest } from "./Attempt.ts"
import type { EndEvent } from "./tail.ts"
import type { RunOver } from "../trainers/Trainer.ts"

export interface Seen {
  /** Whether exit status 0 says that the trial is complete: so for programs that know nothing of events.jsonl. */
  readonly completesByStatus: boolean
  readonly over: RunOver
  /** The spool's `finished`, `failed` or `paused`. */
  readonly event: EndEvent | undefined
  /** The stop that was asked for, if any. */
  readonly stop: StopRequest | undefined
  readonly step: number
  /** The last value of each metric. */
  readonly values: Readonly<Record<string, number>>
  /** The last lines of the trainer's standard error. */
  readonly stderr: string
  /** Whether the kernel killed a process of this agent's control group for want of memory meanwhile. */
  readonly oomKilled: boolean
  /** Whether the disk of the attempt's directory had no room left: then the trainer could not write why it ended. */
  readonly diskFull: boolean
  /** Lines of the spool nobody could read, and what was wrong with the first. */
  readonly invalid: number
  readonly problem: string | undefined
}

/** Exit status of a trainer that obeyed SIGTERM with a checkpoint: 128 + 15. */
const preemptedStatus = 143

/**
 * What the libraries say when memory runs out, and who refused it. A bare "Killed" or SIGKILL is no evidence: anyone may
 * have sent it. The first that matches counts.
 */
const refusals: ReadonlyArray<readonly [MemoryKind, RegExp]> = [
  ["rocm", /HIP out of memory|hipErrorOutOfMemory|(?:HIPBLAS|ROCBLAS|MIOPEN)\w*ALLOC_FAILED/i],
  ["mps", /MPS backend out of memory/],
  ["bitsandbytes", /Error out of memory at line \d+ in file .*(?:bitsandbytes|csrc\/)|cudaMalloc\w* failed/],
  [
    "cuda",
    /CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUDA error: out of memory|cudaErrorMemoryAllocation|(?:CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|torch\.(?:cuda\.)?OutOfMemoryError/,
  ],
  ["host", /\bMemoryError\b|std::bad_alloc|can't allocate memory|Cannot allocate memory|DefaultCPUAllocator/],
  ["unknown", /OutOfMemoryError|RESOURCE_EXHAUSTED: Out of memory/],
]
const refusedBy = (stderr: string): MemoryKind | undefined => refusals.find(([, words]) => words.test(stderr))?.[0]
const missingDependency = /^(?:\w+\.)*(?:ModuleNotFoundError|ImportError): .*$|^.*No module named .*$/m

/** A full disk is the host's, not the trial's. */
const noSpace = /^.*(?:No space left on device|Disk quota exceeded|\bENOSPC\b|\bEDQUOT\b).*$/m

const hostIsFull = (words: string): AttemptEnd => ({
  _tag: "Released",
  cause: { _tag: "DiskFull", message: words.trim() },
})

export const isForFullDisk = (end: AttemptEnd): boolean => end._tag === "Released" && end.cause._tag === "DiskFull"

const memoryOf = (said: NonNullable<TrialEventOf<"failed">["memory"]>): OutOfMemory => ({
  kind: said.kind,
  peakDeviceBytes: said.peak_device_bytes,
  peakHostBytes: said.peak_host_bytes,
  tried:
    said.tried === null
      ? null
      : { microBatchSize: said.tried.micro_batch_size, gradientCheckpointing: said.tried.gradient_checkpointing },
})

const traceback = /^Traceback \(most recent call last\)/m

const went = (over: RunOver): string => {
  switch (over._tag) {
    case "Exited":
      return over.signal === null
        ? `exited with status ${over.code} without saying how the trial ended`
        : `was ended by ${over.signal}`
    case "Done":
      return `reported the attempt as ${over.status} but wrote no such event`
    case "Vanished":
      return "ended without saying how the trial ended"
  }
}

const crashed = (seen: Seen): AttemptEnd => {
  const { over, stderr } = seen
  const detail = stderr === "" ? null : stderr
  const lastLine = stderr.split("\n").findLast((line) => line.trim() !== "")
  const kind = seen.oomKilled ? "oom-killer" : refusedBy(stderr)
  if (kind !== undefined) {
    const message = seen.oomKilled
      ? "The kernel ended the trainer because the machine's memory ran out."
      : `The trainer ran out of memory: ${lastLine}`
    const memory = { kind, peakDeviceBytes: null, peakHostBytes: null, tried: null }
    return { _tag: "Failed", class: "oom", message, detail, memory }
  }
  const full = noSpace.exec(stderr)?.[0] ?? (seen.diskFull ? "the trainer ended and could not write why" : undefined)
  if (full !== undefined) return hostIsFull(full)
  const missing = missingDependency.exec(stderr)
  if (missing !== null) {
    return { _tag: "Failed", class: "dependency", message: `The trainer could not start: ${missing[0].trim()}`, detail }
  }
  const said = lastLine === undefined ? "" : ` Its last words: ${lastLine.trim().slice(0, 300)}`
  const unread =
    seen.invalid === 0 ? "" : ` ${seen.invalid} lines of events.jsonl could not be read; the first: ${seen.problem}.`
  return { _tag: "Failed", class: "bug", message: `The trainer ${went(over)}.${said}${unread}`, detail }
}

export const attemptEnd = (seen: Seen): AttemptEnd => {
  const { event, stop, over } = seen
  if (event?.type === "finished") {
    return {
      _tag: "Finished",
      interrupted: event.interrupted,
      step: event.step,
      values: Object.fromEntries(Object.entries(event.values).map(([name, value]) => [name, metricNumber(value)])),
    }
  }
  if (event?.type === "failed") {
    const full = event.class === "bug" ? noSpace.exec(event.message) : null
    if (full !== null) return hostIsFull(full[0])
    const { memory } = event
    return {
      _tag: "Failed",
      class: event.class,
      message: event.message,
      detail: event.detail,
      ...(memory !== undefined && { memory: memoryOf(memory) }),
    }
  }
  if (event?.type === "paused") {
    return { _tag: "Released", cause: { _tag: "WaitsForPopulation", step: event.step }, pausedAt: event.step }
  }
  // It was asked to come to an end and did, in its own way: what it reported last is what it reached.
  if (stop?.mode === "finish") return { _tag: "Finished", interrupted: true, step: seen.step, values: seen.values }
  if (stop?.fault === true) return { _tag: "Failed", class: "bug", message: reasonSentence(stop.reason), detail: null }
  if (stop !== undefined) return { _tag: "Released", cause: stop.reason }
  const preempted =
    over._tag === "Done" ? over.status === "preempted" : over._tag === "Exited" && over.code === preemptedStatus
  if (preempted) return { _tag: "Released", cause: { _tag: "ForeignSignal" } }
  if (over._tag === "Exited" && over.code === 0 && seen.completesByStatus && seen.invalid === 0) {
    // Whether the sweep's metric is among the values is the coordinator's to judge.
    return { _tag: "Finished", interrupted: false, step: seen.step, values: seen.values }
  }
  // Not this agent's child, so its status is unknown. Unless it left a reason, the trial gets another go.
  if (
    over._tag === "Vanished" &&
    !seen.oomKilled &&
    refusedBy(seen.stderr) === undefined &&
    !traceback.test(seen.stderr)
  ) {
    return { _tag: "Released", cause: { _tag: "EndUnknown" } }
  }
  return crashed(seen)
}
