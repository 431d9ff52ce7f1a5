// A reason on the wire: its code, and its English sentence for peers that know no codes. Owns both directions.
import { Reason, said } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { jsonCodec } from "./jsonChunks.ts"

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.toCodecJson(Reason)))

export const encodeReason = (reason: Reason): { readonly text: string; readonly json: string } => ({
  text: reasonSentence(reason),
  json: jsonCodec(Reason).encode(reason),
})

/** A code that this version does not know, as a newer peer may send it, is what its sentence says. */
export const decodeReason = (text: string, json: string): Reason => {
  if (json === "") return said(text)
  const decoded = decode(json)
  return Result.isSuccess(decoded) ? decoded.success : said(text)
}
