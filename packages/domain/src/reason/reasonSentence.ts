// The sentence of a reason, in a language.
import type { Catalogue } from "./Catalogue.ts"
import { chinese } from "./chinese.ts"
import { english } from "./english.ts"
import { fill, type Gaps, type Phrase, phraseOf } from "./Phrase.ts"
import type { Reason } from "./Reason.ts"

export type Language = "en" | "zh"
export const reasonCatalogues: Readonly<Record<Language, Catalogue>> = { en: english, zh: chinese }
const words = { en: { notANumber: "not a number", comma: ", " }, zh: { notANumber: "不是有限的数", comma: "、" } }

export const reasonPhrases = (language: Language): Readonly<Record<string, Phrase>> =>
  Object.fromEntries(
    Object.entries(reasonCatalogues[language]).map(([tag, make]) => [
      tag,
      phraseOf(make as (gaps: Gaps<object>) => Phrase),
    ]),
  )
const phrases = { en: reasonPhrases("en"), zh: reasonPhrases("zh") }

/** A code that this version does not know, as a newer one may write it, stands for itself. */
export const reasonSentence = (reason: Reason, language: Language = "en"): string => {
  const phrase = Object.hasOwn(phrases[language], reason._tag) ? phrases[language][reason._tag]! : [reason._tag]
  return fill(phrase, reason, {
    ...words[language],
    reason: (other) => reasonSentence(other as Reason, language),
  })
}
