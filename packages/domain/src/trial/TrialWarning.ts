// What a user has to know of a trial although it did not fail. Owns the warnings, as tagged values; their text is
// rendered where they are shown.
import * as Schema from "effect/Schema"
import { MemoryKind, StepSize } from "./OutOfMemory.ts"

/** Lines of an attempt's events.jsonl that no coordinator has, because they could not be sent. */
const skipped = {
  /** Lines that are no event: not JSON, of no known type, too long. */
  unreadable: Schema.Int,
  /** Numbers that no readable line has. */
  missing: Schema.Int,
  /** What was wrong with the first; `null` when numbers were left out and nothing else. */
  problem: Schema.NullOr(Schema.String),
}
export const SkippedLines = Schema.Struct(skipped)
export type SkippedLines = typeof SkippedLines.Type

export const TrialWarning = Schema.TaggedUnion({
  LinesSkipped: skipped,
  /** A step did not fit; from then on it is computed in smaller pieces, with the same result. Peaks in bytes. */
  StepMadeSmaller: {
    kind: MemoryKind,
    peakDeviceBytes: Schema.NullOr(Schema.Finite),
    peakHostBytes: Schema.NullOr(Schema.Finite),
    before: StepSize,
    after: StepSize,
  },
})
export type TrialWarning = typeof TrialWarning.Type
