// Why a sweep has ended, in Chinese: the coordinator records English sentences from a fixed set of patterns; here each
// pattern stands beside its translation. `{}` is a number or a name. Owns these words and finding the pattern; a
// sentence that matches none stays as it came.

/** English pattern → Chinese; `{1}` is what the first `{}` stood for. */
export const catalogue: ReadonlyArray<readonly [english: string, chinese: string]> = [
  ["every set of parameters was tried", "所有参数组合都已试过"],
  ["the sampler has nothing more to try", "采样器没有更多可试的参数"],
  ["its budget of {} trials is used", "{1} 次试验的预算已用完"],
  ["its budget of {} GPU hours is used", "{1} GPU 小时的预算已用完"],
  ["its budget of {} hours is used", "{1} 小时的预算已用完"],
  ["trial {} reached the target {} of {}", "第 {1} 号试验达到了 {3} 的目标值 {2}"],
]

const patterns = catalogue.map(([english, chinese]) => {
  const parts = english.split("{}").map((part) => part.replaceAll(/[.()]/g, "\\$&"))
  return { matches: new RegExp(`^${parts.join("(.+?)")}$`), chinese }
})

/** The sentence in Chinese; `undefined` when no pattern is known for it. */
export const inChinese = (english: string): string | undefined => {
  for (const { matches, chinese } of patterns) {
    const found = matches.exec(english)
    if (found !== null) {
      return chinese.replaceAll(/\{(\d)\}/g, (_, at: string) => {
        const piece = found[Number(at)]!
        return inChinese(piece) ?? piece
      })
    }
  }
  return undefined
}
