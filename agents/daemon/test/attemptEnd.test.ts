import { said } from "@sweep/domain/Reason"
import { describe, expect, it } from "vitest"
import { attemptEnd, type Seen } from "../src/attempt/attemptEnd.ts"

const seen = (what: Partial<Seen>): Seen => ({
  completesByStatus: false,
  over: { _tag: "Exited", code: 1, signal: null },
  event: undefined,
  stop: undefined,
  step: 7,
  values: { "train/loss": 1 },
  stderr: "",
  oomKilled: false,
  diskFull: false,
  invalid: 0,
  problem: undefined,
  ...what,
})

const finished = {
  seq: 9,
  at: "",
  type: "finished",
  step: 8,
  values: { "eval/loss": "NaN" },
  interrupted: false,
} as const

describe("the end of an attempt", () => {
  it("is what the trainer wrote, whatever happened after", () => {
    const stop = { mode: "kill", reason: said("the sweep was stopped") } as const
    expect(
      attemptEnd(seen({ event: finished, stop, over: { _tag: "Exited", code: null, signal: "SIGKILL" } })),
    ).toEqual({
      _tag: "Finished",
      interrupted: false,
      step: 8,
      values: { "eval/loss": NaN },
    })
  })

  it("is a release when it was preempted, by this agent or by another", () => {
    const stop = { mode: "preempt", reason: said("paused") } as const
    // Whatever status it chose to leave with.
    expect(attemptEnd(seen({ stop, over: { _tag: "Exited", code: 0, signal: null } }))).toEqual({
      _tag: "Released",
      cause: said("paused"),
    })
    expect(attemptEnd(seen({ over: { _tag: "Exited", code: 143, signal: null } }))._tag).toBe("Released")
    expect(attemptEnd(seen({ over: { _tag: "Done", status: "preempted" } }))._tag).toBe("Released")
  })

  it("is a release to wait where the trainer says that it waits", () => {
    const event = { seq: 9, at: "", type: "paused", step: 8 } as const
    const over = { _tag: "Done", status: "preempted" } as const
    expect(attemptEnd(seen({ event, over }))).toEqual({
      _tag: "Released",
      cause: { _tag: "WaitsForPopulation", step: 8 },
      pausedAt: 8,
    })
  })

  it("is a release when the disk of the host was full: that is not the trial's fault", () => {
    for (const stderr of [
      "Traceback (most recent call last):\n  File ...\nOSError: [Errno 28] No space left on device",
      'safetensors_rust.SafetensorError: Error while serializing: IoError(Os { code: 122, message: "Disk quota exceeded" })',
    ]) {
      const end = attemptEnd(seen({ stderr }))
      expect(end).toMatchObject({ _tag: "Released", cause: { _tag: "DiskFull" } })
    }
    // A trainer that still could write, one that could not, and one that failed of itself on a disk that then was full.
    const failed = { seq: 9, at: "", type: "failed", class: "bug", detail: null } as const
    const message = "OSError: [Errno 28] No space left on device: 'checkpoints/step-3'"
    expect(attemptEnd(seen({ event: { ...failed, message } }))).toEqual({
      _tag: "Released",
      cause: { _tag: "DiskFull", message },
    })
    expect(attemptEnd(seen({ diskFull: true }))._tag).toBe("Released")
    const diverged = { ...failed, class: "diverged", message: "train/loss is NaN at step 3" } as const
    expect(attemptEnd(seen({ event: diverged, diskFull: true }))).toMatchObject({ class: "diverged" })
  })

  it("is a failure without `finished`, even with exit status 0", () => {
    expect(attemptEnd(seen({ over: { _tag: "Exited", code: 0, signal: null } }))).toMatchObject({
      class: "bug",
      message: { _tag: "TrainerExited", status: 0, words: null, unreadable: null, problem: null },
    })
  })

  it("is out of memory with the kernel's word or the library's, not with a bare SIGKILL", () => {
    const killed = { _tag: "Exited", code: null, signal: "SIGKILL" } as const
    expect(attemptEnd(seen({ over: killed, oomKilled: true }))).toMatchObject({ class: "oom" })
    expect(attemptEnd(seen({ over: killed, stderr: "Killed" }))).toMatchObject({ class: "bug" })
    expect(attemptEnd(seen({ stderr: "torch.OutOfMemoryError: CUDA out of memory." }))).toMatchObject({ class: "oom" })
  })

  it.each([
    ["cuda", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of …"],
    ["cuda", "RuntimeError: CUDA error: out of memory"],
    ["cuda", "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED"],
    ["rocm", "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of …"],
    ["rocm", "RuntimeError: HIP error: hipErrorOutOfMemory"],
    ["mps", "RuntimeError: MPS backend out of memory (MPS allocated: 17.93 GB, max allowed: 18.13 GB)"],
    ["bitsandbytes", "Error out of memory at line 380 in file /src/csrc/pythonInterface.cpp"],
    ["host", "RuntimeError: [enforce fail at alloc_cpu.cpp:128] DefaultCPUAllocator: can't allocate memory"],
    ["host", "MemoryError"],
    ["unknown", "jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"],
  ])("knows that %s refused memory", (kind, stderr) => {
    expect(attemptEnd(seen({ stderr }))).toMatchObject({ class: "oom", memory: { kind } })
  })

  it("hands on what the trainer tried", () => {
    const memory = {
      kind: "cuda",
      peak_device_bytes: 8e9,
      peak_host_bytes: 1e9,
      tried: { micro_batch_size: 1, gradient_checkpointing: true },
    } as const
    const event = { seq: 9, at: "", type: "failed", class: "oom", message: "no", detail: null, memory } as const
    expect(attemptEnd(seen({ event }))).toMatchObject({
      memory: { kind: "cuda", peakDeviceBytes: 8e9, tried: { microBatchSize: 1, gradientCheckpointing: true } },
    })
  })

  it("of an adopted trainer is a release unless it left a reason", () => {
    const over = { _tag: "Vanished" } as const
    expect(attemptEnd(seen({ over, stderr: "UserWarning: slow tokenizer" }))._tag).toBe("Released")
    const stderr = "Traceback (most recent call last):\n  File …\nValueError: no"
    expect(attemptEnd(seen({ over, stderr }))).toMatchObject({ class: "bug", detail: stderr })
  })

  it("names the missing module", () => {
    const stderr = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'peft'"
    expect(attemptEnd(seen({ stderr }))).toMatchObject({
      class: "dependency",
      message: { _tag: "TrainerCannotStart", words: "ModuleNotFoundError: No module named 'peft'" },
    })
  })

  it("is a failure when the trainer was ended for a fault of its own", () => {
    const stop = { mode: "kill", reason: said("The trainer wrote too much."), fault: true } as const
    expect(attemptEnd(seen({ stop }))).toMatchObject({ class: "bug", message: said("The trainer wrote too much.") })
  })
})
