// How an attempt ended, decided from everything there is to see: the spool's last word, how the trainer went, what it was
// asked, what it left on standard error. Owns the decision; it is pure.
import type { AttemptEnd } from "@sweep/protocol/AgentMessage"
import type { MemoryKind, OutOfMemory } from "@sweep/domain/OutOfMemory"
import { type PlainReason, said } from "@sweep/domain/Reason"
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

const memoryOf = (told: NonNullable<TrialEventOf<"failed">["memory"]>): OutOfMemory => ({
  kind: told.kind,
  peakDeviceBytes: told.peak_device_bytes,
  peakHostBytes: told.peak_host_bytes,
  tried:
    told.tried === null
      ? null
      : { microBatchSize: told.tried.micro_batch_size, gradientCheckpointing: told.tried.gradient_checkpointing },
})

const traceback = /^Traceback \(most recent call last\)/m

type LastWords = Omit<Extract<PlainReason, { readonly _tag: "TrainerVanished" }>, "_tag">

const went = (over: RunOver, left: LastWords): PlainReason => {
  switch (over._tag) {
    case "Exited":
      return over.signal === null
        ? { _tag: "TrainerExited", status: over.code, ...left }
        : { _tag: "TrainerKilled", signal: over.signal, ...left }
    case "Done":
      return { _tag: "TrainerContradicts", status: over.status, ...left }
    case "Vanished":
      return { _tag: "TrainerVanished", ...left }
  }
}

const crashed = (seen: Seen): AttemptEnd => {
  const { over, stderr } = seen
  const detail = stderr === "" ? null : stderr
  const lastLine = stderr.split("\n").findLast((line) => line.trim() !== "")
  const kind = seen.oomKilled ? "oom-killer" : refusedBy(stderr)
  if (kind !== undefined) {
    const message: PlainReason = seen.oomKilled
      ? { _tag: "HostOutOfMemory" }
      : { _tag: "TrainerOutOfMemory", words: lastLine ?? "" }
    const memory = { kind, peakDeviceBytes: null, peakHostBytes: null, tried: null }
    return { _tag: "Failed", class: "oom", message, detail, memory }
  }
  const full = noSpace.exec(stderr)?.[0] ?? (seen.diskFull ? "the trainer ended and could not write why" : undefined)
  if (full !== undefined) return hostIsFull(full)
  const missing = missingDependency.exec(stderr)
  if (missing !== null) {
    return {
      _tag: "Failed",
      class: "dependency",
      message: { _tag: "TrainerCannotStart", words: missing[0].trim() },
      detail,
    }
  }
  const left = {
    words: lastLine === undefined ? null : lastLine.trim().slice(0, 300),
    unreadable: seen.invalid === 0 ? null : seen.invalid,
    problem: seen.problem ?? null,
  }
  return { _tag: "Failed", class: "bug", message: went(over, left), detail }
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
      message: said(event.message),
      detail: event.detail,
      ...(memory !== undefined && { memory: memoryOf(memory) }),
    }
  }
  if (event?.type === "paused") {
    return { _tag: "Released", cause: { _tag: "WaitsForPopulation", step: event.step }, pausedAt: event.step }
  }
  // It was asked to come to an end and did, in its own way: what it reported last is what it reached.
  if (stop?.mode === "finish") return { _tag: "Finished", interrupted: true, step: seen.step, values: seen.values }
  if (stop?.fault === true) return { _tag: "Failed", class: "bug", message: stop.reason, detail: null }
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
