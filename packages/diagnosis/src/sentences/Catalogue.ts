// What a catalogue of sentences is: for every code of evidence and advice, a function of its numbers. The types hold the
// languages to the same keys.
import type { AdviceArguments } from "../advice.ts"
import type { EvidenceArguments } from "../evidence.ts"

export interface Catalogue {
  readonly evidence: { readonly [Code in keyof EvidenceArguments]: (args: EvidenceArguments[Code]) => string }
  readonly advice: { readonly [Code in keyof AdviceArguments]: (args: AdviceArguments[Code]) => string }
}
