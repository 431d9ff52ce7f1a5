// Reads a value that came over the wire by a schema. Owns the words for one that does not fit.
import * as Schema from "effect/Schema"
import { WireError } from "../transport/WireError.ts"

/** Throws a WireError that begins with `field`. */
export const wireReader = <S extends Schema.ConstraintDecoder<unknown>>(field: string, schema: S) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (value: unknown): S["Type"] => {
    const result = decode(value)
    if (result._tag === "Success") return result.success
    throw new WireError({ message: `${field}: ${result.failure.message}` })
  }
}
