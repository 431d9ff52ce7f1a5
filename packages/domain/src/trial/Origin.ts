// Who chose a trial's parameters. Owns the codes, and reading those of facts from before there were any.
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { TrialNumber } from "../Id.ts"

export const Origin = Schema.TaggedUnion({
  Sampler: {},
  /** A set of parameters that a user gave. */
  Enqueued: {},
  /** The parameters of an earlier trial, with another seed. */
  Replica: { of: TrialNumber },
  /** A trial once more, with changes that a user gave. */
  Clone: { of: TrialNumber },
})
export type Origin = typeof Origin.Type

export const sampled: Origin = { _tag: "Sampler" }

/** As it stands in tables and JSON for people. */
export const originText = (origin: Origin): string => {
  switch (origin._tag) {
    case "Sampler":
      return "sampler"
    case "Enqueued":
      return "enqueue"
    case "Replica":
      return `replica of ${origin.of}`
    case "Clone":
      return `clone of ${origin.of}`
  }
}

/** Facts before version 3 held that text. */
const ofText = (text: string): Origin => {
  const [kind, , of] = text.split(" ")
  if (kind === "replica") return { _tag: "Replica", of: TrialNumber.make(Number(of)) }
  if (kind === "clone") return { _tag: "Clone", of: TrialNumber.make(Number(of)) }
  return kind === "enqueue" ? { _tag: "Enqueued" } : sampled
}

/** In a fact: a code, or the text of an older one. */
export const StoredOrigin = Schema.Union([Origin, Schema.String]).pipe(
  Schema.decodeTo(
    Schema.toType(Origin),
    SchemaTransformation.transform({
      decode: (stored) => (typeof stored === "string" ? ofText(stored) : stored),
      encode: (origin): Origin | string => origin,
    }),
  ),
)
