// Which sets of parameters a history already holds, kept up to date as the history grows. Owns the cache: a history
// that starts like the one before costs only what is new in it, and any other gives the same answer from scratch.
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import type { History } from "./History.ts"

export interface Tried {
  readonly has: (parameters: Parameters) => boolean
  /** Changes when the history is not a continuation of the one before. */
  readonly generation: number
}

export const tried = (): ((history: History) => Tried) => {
  let known: Array<Parameters> = []
  let texts = new Set<string>()
  let generation = 0
  return (history) => {
    let same = 0
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
