// What of a trainer's events a user has to know although the trial continues. Owns the translation; recording it is
// endings.ts'.
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import type { TrialWarning } from "@sweep/domain/TrialWarning"

const stepSize = (size: { readonly micro_batch_size: number; readonly gradient_checkpointing: boolean }) => ({
  microBatchSize: size.micro_batch_size,
  gradientCheckpointing: size.gradient_checkpointing,
})

export const warningsOf = (events: ReadonlyArray<TrialEvent>): ReadonlyArray<TrialWarning> =>
  events.flatMap((event): ReadonlyArray<TrialWarning> => {
    if (event.type !== "memory" || event.out_of_memory === undefined || event.next === undefined) return []
    const { kind = "unknown", peak_device_bytes: device, peak_host_bytes: host, out_of_memory: before, next } = event
    return [
      {
        _tag: "StepMadeSmaller",
        kind,
        peakDeviceBytes: device ?? null,
        peakHostBytes: host ?? null,
        before: stepSize(before),
        after: stepSize(next),
      },
    ]
  })
