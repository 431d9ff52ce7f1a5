// A run that asked for more memory than there was: who refused it, how much it had, and the last thing that was tried. Owns
// the values; their text is rendered where they are shown, and the trainer decides what is tried.
import * as Schema from "effect/Schema"

/** How an optimiser step is computed: in pieces of so many sequences, with or without keeping activations. */
export const StepSize = Schema.Struct({ microBatchSize: Schema.Int, gradientCheckpointing: Schema.Boolean })
export type StepSize = typeof StepSize.Type

/**
 * Who refused memory: the allocator of a CUDA, ROCm or Apple device, bitsandbytes' own, the host's, or the kernel, which
 * ended the process. `unknown`: a program of the user's only said that there was none.
 */
export const MemoryKind = Schema.Literals(["cuda", "rocm", "mps", "bitsandbytes", "host", "oom-killer", "unknown"])
export type MemoryKind = typeof MemoryKind.Type

/** `null`: nobody knows. Peaks in bytes. */
export const OutOfMemory = Schema.Struct({
  kind: MemoryKind,
  peakDeviceBytes: Schema.NullOr(Schema.Finite),
  peakHostBytes: Schema.NullOr(Schema.Finite),
  /** The smallest pieces of a step that were tried; nothing smaller gives the same result. */
  tried: Schema.NullOr(StepSize),
})
export type OutOfMemory = typeof OutOfMemory.Type
