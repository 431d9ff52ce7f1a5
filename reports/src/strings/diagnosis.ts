// The diagnosis and the generated answers.
import { html, type Piece } from "../Html.ts"
import type { Text } from "../Say.ts"
import { code } from "./words.ts"

export const diagnosis = {
  none: { en: "No trial was flagged.", zh: "没有试验被标记。" },
  notJudged: { en: "No trial has been diagnosed yet.", zh: "尚无试验得到诊断。" },
  lead: (counts: Piece): Text => ({ en: counts, zh: counts }),
  since: (step: string): Text => ({ en: `since step ${step}`, zh: `自第 ${step} 步起` }),
  evidence: { en: "Evidence", zh: "依据" },
  advice: { en: "What to do", zh: "建议" },
  limit: (value: string, limit: string, holds: boolean): Text => ({
    en: `${value}, limit ${limit}: ${holds ? "met" : "not met"}`,
    zh: `${value}，界限 ${limit}：${holds ? "满足" : "未满足"}`,
  }),
  legend: {
    en: "Eval and train loss of each; the dashed rule marks since when the verdict holds.",
    zh: "各试验的评估损失与训练损失；虚线标出诊断自何时起成立。",
  },
  more: (count: number): Text => ({ en: `${count} more flagged trials`, zh: `另外 ${count} 次被标记的试验` }),
} as const

export const samples = {
  lead: (trials: number): Text => ({
    en: `What the ${trials === 1 ? "best trial" : `${trials} best trials`} answer to the same questions after training.`,
    zh: `${trials === 1 ? "最佳试验" : `最好的 ${trials} 次试验`}训练后对相同问题的回答。`,
  }),
  none: {
    en: html`The sweep file has no ${code("probes")}; with some, every trained model would answer them here.`,
    zh: html`搜索文件中没有 ${code("probes")}；添加后，每个训练好的模型都会在此作答。`,
  },
  noneYet: { en: "No trial has answered the probes yet.", zh: "尚无试验回答探测问题。" },
  noAnswer: { en: "no answer", zh: "没有回答" },
  empty: { en: "empty answer", zh: "空回答" },
  system: { en: "System", zh: "系统提示" },
  overfits: { en: "overfitting, for comparison", zh: "过拟合，供对照" },
} as const
