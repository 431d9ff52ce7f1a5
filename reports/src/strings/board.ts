// The tables: leader board, variants, lineage, noise reduction.
import type { Goal } from "@sweep/domain/Metric"
import { html } from "../Html.ts"
import type { Text } from "../Say.ts"
import { code, plural } from "./words.ts"

export const board = {
  none: { en: "No trial has been made yet.", zh: "尚未创建试验。" },
  lead: (ranked: number, all: number, metric: Text, goal: Goal): Text => ({
    en: html`${ranked} of ${plural(all, "trial")} ranked by ${metric.en}, ${goal === "minimize" ? "lowest" : "highest"}
      first. <span class="js">Click a heading to sort, a row to follow the trial through the charts.</span>`,
    zh: html`${all} 次试验中有 ${ranked} 次按${metric.zh}排名，${goal === "minimize" ? "最低" : "最高"}者在前。<span
        class="js"
        >点击表头排序，点击一行可在各图中突出该试验。</span
      >`,
  }),
  most: (shown: number, all: number): Text => ({
    en: html`The ${shown} best of ${all} trials are listed; ${code("sweep export")} has all of them.`,
    zh: html`共 ${all} 次试验，仅列出最好的 ${shown} 次；${code("sweep export")} 可导出全部。`,
  }),
  mean: { en: "Mean of runs", zh: "各次运行均值" },
  meanOf: (metric: Text): Text => ({
    en: html`the mean ${metric.en} of all runs with their parameters`,
    zh: html`相同参数各次运行的平均${metric.zh}`,
  }),
  wentOn: (from: number | null, step: string): Text => ({
    en: `resumed from ${from === null ? "a shorter one" : `#${from}`} at step ${step}`,
    zh: `自第 ${step} 步接续${from === null ? "较短的试验" : ` #${from}`}`,
  }),
  reused: (from: string): Text => ({ en: `reused from ${from}`, zh: `复用自 ${from}` }),
  constant: { en: "The same for every trial:", zh: "所有试验相同的参数：" },
  trial: { en: "Trial", zh: "试验" },
  state: { en: "State", zh: "状态" },
  curve: { en: "Curve", zh: "曲线" },
  best: { en: "best eval", zh: "最佳评估" },
  last: { en: "last eval", zh: "末次评估" },
  train: { en: "train loss", zh: "训练损失" },
  verdict: { en: "Verdict", zh: "诊断" },
  time: { en: "Time", zh: "用时" },
  memory: { en: "Peak memory", zh: "内存峰值" },
  speed: { en: "Tokens/s", zh: "词元/秒" },
  attempts: { en: "Attempts", zh: "尝试" },
} as const

export const variants = {
  title: { en: "Variants compared", zh: "变体对比" },
  lead: {
    en: "The best set of parameters of each variant. The base is the untouched model as that variant holds it.",
    zh: "每个变体的最佳参数组合。基座指该变体所加载的、未经训练的模型。",
  },
  variant: { en: "Variant", zh: "变体" },
  base: { en: "Base model", zh: "基座模型" },
  change: { en: "Change", zh: "变化" },
  trainable: { en: "Trainable parameters", zh: "可训练参数" },
  afterPost: (value: string): Text => ({ en: `${value} after noise reduction`, zh: `降噪后 ${value}` }),
  without: { en: "Without a result:", zh: "没有结果：" },
} as const

export const lineage = {
  title: { en: "Lineage", zh: "谱系" },
  lead: (takeovers: number): Text => ({
    en: `${takeovers === 1 ? "Once a member" : `${takeovers} times a member`} of the population took over the weights of a better one and continued with changed parameters. A curve jumps where its trial did.`,
    zh: `种群成员共有 ${takeovers} 次接过更好成员的权重，并以改动后的参数继续训练。曲线在接替处会跳变。`,
  }),
  step: { en: "Step", zh: "步" },
  trial: { en: "Trial", zh: "试验" },
  from: { en: "Resumed from", zh: "接续自" },
  change: { en: "Parameters: that one's → its own since", zh: "参数：对方的 → 此后自己的" },
  had: (value: string): Text => ({ en: `had ${value} before`, zh: `此前为 ${value}` }),
} as const

export const retained = {
  title: { en: "Noise reduction", zh: "降噪" },
  lead: {
    en: "How much of each layer's update was kept after training: the directions it shares with the base weights.",
    zh: "训练后每层更新保留了多少：即与基座权重共有的方向。",
  },
  trial: (kept: number, rank: number, before: string, after: string): Text => ({
    en: `keeps ${kept} of ${rank} ranks; eval loss ${before} before, ${after} after`,
    zh: `保留 ${rank} 个秩中的 ${kept} 个；评估损失：之前 ${before}，之后 ${after}`,
  }),
  layers: { en: "Layers", zh: "各层" },
  module: { en: "Module", zh: "模块" },
  rank: { en: "Rank kept", zh: "保留的秩" },
  similarity: { en: "Similarity φ", zh: "相似度 φ" },
} as const
