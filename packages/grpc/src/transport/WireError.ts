// A message of the peer's that does not mean anything.
import * as Schema from "effect/Schema"

/** Thrown when a message cannot be decoded: a field is missing or out of range. `message` names it. */
export class WireError extends Schema.TaggedError<WireError>()("WireError", { message: Schema.String }) {}
