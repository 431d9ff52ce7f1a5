// The sentences of a reason in both languages of the report.
import type { Reason } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"

export const reasonText = (reason: Reason): { readonly en: string; readonly zh: string } => ({
  en: reasonSentence(reason, "en"),
  zh: reasonSentence(reason, "zh"),
})
