// The method of a sweep whose file names none: the best one we have for what it searches, and why. Owns this choice alone; the
// figures behind it are those of `npm run bench -- quality`.
import type { Method, MethodReason } from "./Method.ts"

export interface MethodQuestion {
  /** Parameters that vary. */
  readonly dimensions: number
  /** Sets of parameters that will be tried at most; `null`: no end. */
  readonly trials: number | null
  readonly objectives: number
  /** `type` of the early-stopping rule. */
  readonly earlyTerminate: string | null
}

export interface ChosenMethod {
  readonly method: Method
  readonly because: MethodReason
}

/** What `gp` tries before it asks its model is a Sobol sequence anyway. */
const fewTrials = 10
/** Ours: a suggestion of `gp` takes a third of a second by then, and it knows 200 trials. */
const mostTrials = 1_000
const mostDimensions = 60

export const chooseMethod = (question: MethodQuestion): ChosenMethod => {
  const { dimensions, trials, objectives, earlyTerminate } = question
  if (earlyTerminate === "pbt") return { method: "random", because: "population" }
  if (earlyTerminate === "bohb") return { method: "tpe", because: "rule" }
  if (objectives > 1) return { method: "ehvi", because: "objectives" }
  if (trials !== null && trials <= fewTrials) return { method: "sobol", because: "few trials" }
  if (trials !== null && trials > mostTrials) return { method: "tpe", because: "many trials" }
  if (dimensions > mostDimensions) return { method: "tpe", because: "many parameters" }
  return { method: "gp", because: "model" }
}
