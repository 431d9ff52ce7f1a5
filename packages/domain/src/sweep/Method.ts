// How a sweep chooses its trials: the vocabulary of methods, and of the reasons for one that no file names. Owns these words;
// choosing is chooseMethod's, carrying out is the search package's.
import * as Schema from "effect/Schema"

export const Method = Schema.Literals(["grid", "random", "sobol", "tpe", "gp", "cmaes", "nsga2", "ehvi"])
export type Method = typeof Method.Type

/** Whether what a method suggests rests on how the trials before it ended. */
export const learnsFromResults = (method: Method): boolean =>
  method !== "grid" && method !== "random" && method !== "sobol"

/**
 * Why a method was taken; the words are where it is shown. `population`: members change their parameters on the way, and
 * their results teach nothing. `rule`: the stopping rule is made for one method. `few trials`: they are over before a
 * model would begin. `many trials`: a Gaussian process would forget most of them. `model`: none of these.
 */
export const MethodReason = Schema.Literals([
  "population",
  "rule",
  "objectives",
  "few trials",
  "many trials",
  "many parameters",
  "model",
])
export type MethodReason = typeof MethodReason.Type
