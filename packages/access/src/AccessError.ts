// What is wrong with certificates, tokens or an access file.
import * as Schema from "effect/Schema"

/** Thrown when a certificate, the list of tokens or an access file is missing, damaged or out of date. `message` says what to do. */
export class AccessError extends Schema.TaggedError<AccessError>()("AccessError", { message: Schema.String }) {}
