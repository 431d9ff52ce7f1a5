// A value too large for one message, as the JSON text of its schema cut into chunks. Owns cutting and joining.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { chunkBytes } from "@sweep/protocol/limits"
import { WireError } from "../transport/WireError.ts"

/** The JSON of a schema: NaN and the infinities travel as their names, maps as lists of pairs. */
export const jsonCodec = <S extends Schema.ConstraintCodec<unknown>>(schema: S) => {
  const json = Schema.fromJsonString(Schema.toCodecJson(schema))
  const encode = Schema.encodeSync(json)
  const decode = Schema.decodeUnknownResult(json)
  return {
    encode: (value: S["Type"]): string => encode(value as never) as string,
    /** Throws a WireError. */
    decode: (text: string): S["Type"] => {
      const result = decode(text)
      if (result._tag === "Success") return result.success as S["Type"]
      throw new WireError({ message: result.failure.message })
    },
  }
}

export function* cut(text: string): Generator<Buffer> {
  const bytes = Buffer.from(text)
  // An empty text is one empty chunk: the reader sees that something was sent.
  for (let from = 0; from === 0 || from < bytes.length; from += chunkBytes) {
    yield bytes.subarray(from, from + chunkBytes)
  }
}

export const join = <E, R>(chunks: Stream.Stream<Uint8Array, E, R>): Effect.Effect<string, E, R> =>
  Effect.map(Stream.runCollect(chunks), (parts) => Buffer.concat(parts).toString())
