// What a user has to know of a trial although it did not fail. Owns the warnings, as tagged values; their text is
// rendered where they are shown.
import * as Schema from "effect/Schema"

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
})
export type TrialWarning = typeof TrialWarning.Type
