import { describe, expect, it } from "vitest"
import { catalogue, inChinese } from "../src/translations.ts"

describe("why a sweep has ended, in Chinese", () => {
  it.each([
    ["its budget of 20 trials is used", "20 次试验的预算已用完"],
    ["its budget of 1.5 GPU hours is used", "1.5 GPU 小时的预算已用完"],
    ["its budget of 2 hours is used", "2 小时的预算已用完"],
    ["trial 7 reached the target 1.5 of eval/loss", "第 7 号试验达到了 eval/loss 的目标值 1.5"],
  ])("%s", (english, chinese) => {
    expect(inChinese(english)).toBe(chinese)
  })

  it("leaves other people's words alone", () => {
    expect(inChinese("enough for today")).toBeUndefined()
    expect(catalogue.every(([english]) => inChinese(english.replaceAll("{}", "7")) !== undefined)).toBe(true)
  })
})
