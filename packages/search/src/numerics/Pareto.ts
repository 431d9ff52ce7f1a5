// Dominance between trials with several objectives: the Pareto front, the ranks behind it, and how crowded a front is.
// Owns these notions; all values are losses (smaller is better), and NaN or ∞ is worse than any number.

export type Losses = ReadonlyArray<number>

const worst = (loss: number): number => (Number.isNaN(loss) ? Infinity : loss)

/** Nowhere worse and somewhere better. */
export const dominates = (a: Losses, b: Losses): boolean => {
  let better = false
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [worst(a[k]!), worst(b[k]!)]
    if (x > y) return false
    if (x < y) better = true
  }
  return better
}

/** Ranks from 0: the front, what would be the front without it, and so on (Deb et al., "NSGA-II", 2002). */
export const ranks = (all: ReadonlyArray<Losses>): ReadonlyArray<number> => {
  const dominated = all.map((): Array<number> => [])
  const above = all.map(() => 0)
  for (let i = 0; i < all.length; i++) {
    for (let j = 0; j < i; j++) {
      if (dominates(all[i]!, all[j]!)) {
        dominated[i]!.push(j)
        above[j]!++
      } else if (dominates(all[j]!, all[i]!)) {
        dominated[j]!.push(i)
        above[i]!++
      }
    }
  }
  const rank = all.map(() => 0)
  let front = Array.from(all.keys()).filter((i) => above[i] === 0)
  for (let level = 0; front.length > 0; level++) {
    const next: Array<number> = []
    for (const i of front) {
      rank[i] = level
      for (const j of dominated[i]!) if (--above[j]! === 0) next.push(j)
    }
    front = next
  }
  return rank
}

/** Indices of the trials that no other dominates, in their order. */
export const paretoFront = (all: ReadonlyArray<Losses>): ReadonlyArray<number> => {
  const rank = ranks(all)
  return Array.from(all.keys()).filter((i) => rank[i] === 0)
}

/** Of each member of a front, the size of the box its neighbours leave it; ∞ at the ends. */
export const crowding = (front: ReadonlyArray<Losses>): ReadonlyArray<number> => {
  const distance = front.map(() => 0)
  for (let k = 0; k < (front[0]?.length ?? 0); k++) {
    const order = Array.from(front.keys()).sort((a, b) => worst(front[a]![k]!) - worst(front[b]![k]!) || a - b)
    const low = worst(front[order[0]!]![k]!)
    const range = worst(front[order.at(-1)!]![k]!) - low
    distance[order[0]!] = Infinity
    distance[order.at(-1)!] = Infinity
    if (!(range > 0) || !Number.isFinite(range)) continue
    for (let i = 1; i < order.length - 1; i++) {
      distance[order[i]!]! += (worst(front[order[i + 1]!]![k]!) - worst(front[order[i - 1]!]![k]!)) / range
    }
  }
  return distance
}
