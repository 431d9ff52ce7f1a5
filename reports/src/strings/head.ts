// The head and the foot of the report, its sections, and what its program says.
import { html } from "../Html.ts"
import type { Text } from "../Say.ts"
import { plural } from "./words.ts"

export const nav = {
  answer: { en: "Answer", zh: "结论" },
  board: { en: "Leader board", zh: "排行榜" },
  curves: { en: "Curves", zh: "曲线" },
  parameters: { en: "Parameters", zh: "参数" },
  diagnosis: { en: "Diagnosis", zh: "诊断" },
  samples: { en: "Generated answers", zh: "生成的回答" },
  failures: { en: "Failures", zh: "失败" },
  reproduce: { en: "Reproduce", zh: "复现" },
} as const satisfies Record<string, Text>

export const header = {
  kicker: { en: "Sweep report", zh: "超参数搜索报告" },
  /** What the button does: names the other language. */
  language: { en: "中文", zh: "English" },
  status: {
    running: { en: "still running", zh: "仍在运行" },
    paused: { en: "paused", zh: "已暂停" },
    stopped: { en: "stopped", zh: "已停止" },
    finished: { en: "finished", zh: "已结束" },
  },
  trials: (count: number): Text => ({ en: plural(count, "trial"), zh: `${count} 次试验` }),
  at: (time: string): Text => ({ en: `as of ${time}`, zh: `截至 ${time}` }),
  because: (status: Text, reason: Text): Text => ({
    en: html`${status.en}: ${reason.en}`,
    zh: html`${status.zh}：${reason.zh}`,
  }),
  learned: (count: number, sweeps: string): Text => ({
    en: `The search began with ${plural(count, "result")} of ${sweeps}.`,
    zh: `搜索从 ${sweeps} 的 ${count} 个结果开始。`,
  }),
  reused: (count: number): Text => ({
    en: `${plural(count, "trial")} did not run: the same run in an earlier sweep stands for ${count === 1 ? "it" : "them"}.`,
    zh: `${count} 次试验未运行：采用了先前 sweep 中相同运行的结果。`,
  }),
  unfinished: (open: number): Text => ({
    en: `${plural(open, "trial")} ${open === 1 ? "has" : "have"} not ended yet; what follows may change.`,
    zh: `还有 ${open} 次试验未结束，以下内容可能变化。`,
  }),
} as const

export const copy = {
  button: { en: "Copy", zh: "复制" },
  done: { en: "Copied", zh: "已复制" },
} as const satisfies Record<string, Text>

export const footer = {
  made: (version: string | null, time: string): Text => ({
    en: `Made by sweep${version === null ? "" : ` ${version}`} · ${time}`,
    zh: `由 sweep${version === null ? "" : ` ${version}`} 生成 · ${time}`,
  }),
} as const

/** What tooltips say. Plain text: it never becomes markup. */
export const page = {
  trial: { en: "Trial", zh: "试验" },
  step: { en: "step", zh: "步数" },
  objective: { en: "objective", zh: "目标值" },
  trials: { en: "trials in this cell", zh: "此格内的试验数" },
} as const
