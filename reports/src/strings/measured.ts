// Answers measured beside the metric that trials are ranked by.
import { html } from "../Html.ts"
import type { Text } from "../Say.ts"
import { code, strong } from "./words.ts"

export const measured = {
  worse: (metric: string, step: string, best: string, level: string): Text => ({
    en: html`Its answers were best at step ${step}: ${code(metric)} was ${strong(best)} there and ended at ${level}.`,
    zh: html`它的回答在第 ${step} 步最好：当时 ${code(metric)} 为 ${strong(best)}，结束时为 ${level}。`,
  }),
  lossBetter: (then: string, now: string): Text => ({
    en: `Meanwhile the eval loss went from ${then} to ${now}: the loss gets better and the answers get worse.`,
    zh: `同期评估损失从 ${then} 变为 ${now}：损失在改善，回答却在变差。`,
  }),
  value: (
    metric: string,
    value: string | null,
    better: { readonly trial: number; readonly value: string } | null,
    ranked: string,
  ): Text => ({
    en: html`${code(metric)}:
    ${value ?? "not reported"}${
      better === null
        ? value === null
          ? ""
          : ", the best of all"
        : html`; the best is trial ${better.trial} with ${better.value}, which is behind by ${code(ranked)}`
    }.`,
    zh: html`${code(metric)}：${value ?? "未报告"}${
      better === null
        ? value === null
          ? ""
          : "，为所有配置中的最佳"
        : html`；最佳的是第 ${better.trial} 号试验，为 ${better.value}，但按 ${code(ranked)} 排名靠后`
    }。`,
  }),
}
