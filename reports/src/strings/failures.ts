// What went wrong, and what to do about it.
import type { FailureClass } from "@sweep/domain/TrialEvent"
import { html } from "../Html.ts"
import type { Text } from "../Say.ts"
import { code } from "./words.ts"

export const failureClasses: Readonly<Record<FailureClass, { readonly name: Text; readonly remedy: Text }>> = {
  oom: {
    name: { en: "Out of memory", zh: "内存或显存不足" },
    remedy: {
      en: html`Lower ${code("micro_batch_size")} or ${code("max_length")}, turn on ${code("gradient_checkpointing")}, or
      choose a quantised variant such as ${code("qlora")}.`,
      zh: html`减小 ${code("micro_batch_size")} 或 ${code("max_length")}，打开 ${code("gradient_checkpointing")}，或改用
      ${code("qlora")} 等量化变体。`,
    },
  },
  diverged: {
    name: { en: "Diverged", zh: "训练发散" },
    remedy: {
      en: html`The loss was no longer a number. Lower ${code("learning_rate")}, lengthen the warm-up, or check the
      precision.`,
      zh: html`损失不再是有限的数。请降低 ${code("learning_rate")}、延长预热，或检查数值精度。`,
    },
  },
  data: {
    name: { en: "Data", zh: "数据问题" },
    remedy: {
      en: html`Correct the data; ${code("sweep check FILE")} names the record before anything is trained.`,
      zh: html`请修正数据；${code("sweep check FILE")} 会在训练前指出是哪条记录。`,
    },
  },
  unreported: {
    name: { en: "No result reported", zh: "没有上报指标" },
    remedy: {
      en: html`The program came to its end without the sweep's metric. Log it under that name with ${code("wandb.log")}
      or ${code("sweep.log")}, or let ${code("metrics_from")} read it: docs/scripts.md.`,
      zh: html`程序正常结束，但没有上报该搜索的指标。请用 ${code("wandb.log")} 或 ${code("sweep.log")}
      以该名称上报，或用 ${code("metrics_from")} 读取：见 docs/scripts.md。`,
    },
  },
  dependency: {
    name: { en: "Missing dependency", zh: "缺少依赖" },
    remedy: {
      en: "Install what the message names in the trainer's environment on that agent.",
      zh: "请在该代理的训练环境中安装提示所说的依赖。",
    },
  },
  bug: {
    name: { en: "The trainer broke", zh: "训练程序出错" },
    remedy: {
      en: html`The end of the log says where; ${code("sweep logs SWEEP/N")} prints all of it.`,
      zh: html`日志结尾会说明位置；${code("sweep logs SWEEP/N")} 可打印全部日志。`,
    },
  },
}

export const failures = {
  none: { en: "No trial failed.", zh: "没有试验失败。" },
  log: { en: "End of the log", zh: "日志结尾" },
  detail: { en: "Details", zh: "详情" },
  lost: { en: "Interrupted attempts", zh: "中断的尝试" },
  lostNote: {
    en: "These attempts ended without a result and the trials were run again.",
    zh: "这些尝试没有结果，相应试验已重新运行。",
  },
  attempt: (attempt: number): Text => ({ en: `attempt ${attempt}`, zh: `第 ${attempt} 次尝试` }),
  on: (agent: string): Text => ({ en: `on ${agent}`, zh: `在 ${agent} 上` }),
} as const
