// The known name someone most likely meant: optimal string alignment distance (a swap of neighbours counts once).

const distance = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: Array<number> = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swap)
    }
    before = last
    last = row
  }
  return last[b.length]!
}

/**
 * `undefined` when none is near: about one wrong letter in three is still a slip, and so is a word cut short or drawn
 * out (`minimum` for `min`). Case, `-` and `_` do not count.
 */
export const nearestName = (name: string, known: ReadonlyArray<string> | ReadonlySet<string>): string | undefined => {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "")
  const wanted = plain(name.slice(0, 64))
  let best: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const d = distance(wanted, plain(candidate), least)
    if (d < least) {
      least = d
      best = candidate
    }
  }
  if (best !== undefined || wanted.length < 3) return best
  for (const candidate of known) {
    const other = plain(candidate)
    if (other.length >= 3 && (other.startsWith(wanted) || wanted.startsWith(other))) return candidate
  }
  return undefined
}
