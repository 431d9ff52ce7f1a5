// What a catalogue of reasons is: for every code a sentence with a gap for each of its arguments. The types hold the
// languages to the same codes and arguments.
import type { Gaps, Phrase } from "./Phrase.ts"
import type { ReasonArguments, ReasonTag } from "./Reason.ts"

export type Catalogue = { readonly [Tag in ReasonTag]: (gaps: Gaps<ReasonArguments<Tag>>) => Phrase }
