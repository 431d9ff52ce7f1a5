// The sentence of a piece of evidence or advice, in a language. Owns finding it; facts from before verdicts held codes
// bring an English sentence of their own, which stands in every language.
import type { Advice, Arguments, Evidence } from "@sweep/domain/Verdict"
import type { Catalogue } from "./Catalogue.ts"
import { chinese } from "./chinese.ts"
import { english } from "./english.ts"

export type Language = "en" | "zh"
export const catalogues: Readonly<Record<Language, Catalogue>> = { en: english, zh: chinese }

/** A code that this version does not know, as a newer one may write it, stands for itself. */
const render = (sentences: object, code: string, args: Arguments): string => {
  const sentence = Object.hasOwn(sentences, code)
    ? (sentences as Readonly<Record<string, (args: Arguments) => string>>)[code]
    : undefined
  return sentence === undefined ? code : sentence(args)
}

export const evidenceSentence = (evidence: Evidence, language: Language): string =>
  evidence.args === undefined
    ? (evidence.statement ?? evidence.criterion)
    : render(catalogues[language].evidence, evidence.criterion, evidence.args)

export const adviceSentence = (advice: Advice | string, language: Language): string =>
  typeof advice === "string" ? advice : render(catalogues[language].advice, advice.code, advice.args)
