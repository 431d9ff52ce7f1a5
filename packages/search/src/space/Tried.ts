// Which sets of parameters a history already holds, kept up to date as the history grows. Owns the cache: a history
// that starts like the one before costs only what is new in it, and any other gives the same answer from scratch. One
// that is the same array as before, and has its last set where that was, has grown at its end alone.
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import type { History } from "./History.ts"

export interface Tried {
  readonly has: (parameters: Parameters) => boolean
  /** Changes when the history is not a continuation of the one before. */
  readonly generation: number
}

/** Whether all of `known`, which stood in the array `before`, need not be compared with `history`. */
export const grownOnly = (before: History | undefined, known: ReadonlyArray<Parameters>, history: History): boolean =>
  before === history && known.length > 0 && history[known.length - 1]?.parameters === known.at(-1)

export const tried = (): ((history: History) => Tried) => {
  let known: Array<Parameters> = []
  let texts = new Set<string>()
  let generation = 0
  let before: History | undefined
  return (history) => {
    let same = grownOnly(before, known, history) ? known.length : 0
    before = history
    while (same < known.length && same < history.length && known[same] === history[same]!.parameters) same++
    if (same < known.length) {
      known = []
      texts = new Set()
      generation++
      same = 0
    }
    for (let i = same; i < history.length; i++) {
      const { parameters } = history[i]!
      known.push(parameters)
      texts.add(canonicalText(parameters))
    }
    const current = texts
    return { has: (parameters) => current.has(canonicalText(parameters)), generation }
  }
}
