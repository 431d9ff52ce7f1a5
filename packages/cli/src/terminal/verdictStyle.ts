// One colour and one word per verdict and state, the same in every view.
import { styleText } from "node:util"
import type { TrialState } from "@sweep/domain/Trial"
import { evidenceSentence } from "@sweep/diagnosis/sentence"
import type { Verdict } from "@sweep/domain/Verdict"

const verdictColours = {
  healthy: "green",
  overfitting: "red",
  underfitting: "yellow",
  diverged: "red",
  plateaued: "cyan",
  inconclusive: "dim",
} as const

export const verdictWord = (verdict: Verdict | null): string =>
  verdict === null ? "" : styleText(verdictColours[verdict.kind], verdict.kind)

const stateColours = {
  pending: "dim",
  assigned: "dim",
  running: "blue",
  paused: "yellow",
  completed: "green",
  stopped: "yellow",
  failed: "red",
  infeasible: "yellow",
  cancelled: "dim",
} as const

export const stateWord = (state: TrialState): string =>
  styleText(stateColours[state], state === "infeasible" ? "does not fit" : state)

/** `overfitting since step 40: eval loss rose 9.1 % above its best` */
export const verdictSentence = (verdict: Verdict): string => {
  const first = verdict.evidence.find((evidence) => evidence.holds) ?? verdict.evidence[0]
  return `${verdict.kind}${verdict.sinceStep === null ? "" : ` since step ${verdict.sinceStep}`}${first === undefined ? "" : `: ${evidenceSentence(first, "en")}`}`
}
