// The curves and the parameters.
import { html, type Piece } from "../Html.ts"
import type { Text } from "../Say.ts"
import { plural } from "./words.ts"

export const curves = {
  lead: {
    en: html`Coloured by verdict; the best trial is drawn bold.
      <span class="js">Hover for details, click to hold a trial, drag to move, pinch or Ctrl + wheel to zoom.</span>`,
    zh: html`按诊断着色，最佳试验加粗。<span class="js"
        >悬停查看详情，点击固定试验，拖动平移，双指或 Ctrl + 滚轮缩放。</span
      >`,
  },
  history: { en: "Objective over trials", zh: "各试验的目标值" },
  historyNote: {
    en: "The line is the best so far; the ring marks the best trial.",
    zh: "折线为截至当时的最佳值；圆环标出最佳试验。",
  },
  over: { en: " over optimiser steps", zh: "（横轴为优化步）" },
  band: {
    en: "The dashed line is the median of the trials, the band their middle half.",
    zh: "虚线为各试验的中位数，色带为居中的一半。",
  },
  none: { en: "No trial has reported a curve yet.", zh: "尚无试验报告曲线。" },
  base: { en: "The dotted line is the untouched base model.", zh: "点线为未训练的基座模型。" },
  outside: (count: number): Text => ({
    en: `${plural(count, "value")} far off lie outside of the frame; zoom out to see them.`,
    zh: `有 ${count} 个偏离很远的值在图框之外，可缩小查看。`,
  }),
  most: (drawn: number, all: number): Text => ({
    en: `The ${drawn} best of ${all} trials are drawn.`,
    zh: `共 ${all} 次试验，仅绘制最好的 ${drawn} 次。`,
  }),
  zoomIn: { en: "Zoom in", zh: "放大" },
  zoomOut: { en: "Zoom out", zh: "缩小" },
  reset: { en: "Reset", zh: "复位" },
  release: { en: "Release trial", zh: "取消固定" },
} as const

export const parameters = {
  lead: {
    en: "Each point is a trial; the ring marks the best one, the short bar the median of a value.",
    zh: "每个点是一次试验；圆环标出最佳试验，短横线为该取值的中位数。",
  },
  none: {
    en: "No parameter has two values with a result, so there is nothing to compare.",
    zh: "没有参数有两个以上带结果的取值，因此无从比较。",
  },
  parallel: { en: "All parameters at once", zh: "全部参数一览" },
  parallelNote: {
    en: "A line is a trial: the stronger, the better; the best one stands out.",
    zh: "每条线是一次试验：越深越好，最佳试验突出显示。",
  },
  against: (metric: Text): Text => ({ en: html` against ${metric.en}`, zh: html` 与${metric.zh}` }),
  heat: (metric: Text): Text => ({ en: html`Best ${metric.en} by `, zh: html`最佳${metric.zh}：` }),
  by: { en: " and ", zh: " × " },
  heatNote: {
    en: "The stronger the colour, the better; an empty cell was not tried. The outlined cell holds the best trial.",
    zh: "颜色越深越好；空格表示未尝试。描边的格子包含最佳试验。",
  },
  importance: { en: "What mattered", zh: "哪些参数重要" },
  importanceNote: {
    en: "The part of the differences between trials that each parameter has a hand in, over the range that was tried, with the 90 % interval. All parameters are looked at together, so that a search that moved several at once makes none look important.",
    zh: "在尝试过的范围内，试验间的差异中有多少与各参数有关，并附 90 % 区间。所有参数一并考察，因此搜索同时移动几个参数，不会使其中任何一个显得重要。",
  },
  nothingStandsOut: {
    en: "No parameter can be said to matter from this many trials; with more of them one may.",
    zh: "就目前的试验次数而言，还不能说哪个参数重要；更多试验也许能看出。",
  },
  interval: (low: string, high: string): Text => ({ en: `${low} to ${high}`, zh: `${low} 至 ${high}` }),
  little: { en: "matters little", zh: "影响很小" },
  cannotSay: { en: "cannot say whether it matters", zh: "尚不能说是否重要" },
  together: (one: Piece, other: Piece, share: string): Text => ({
    en: html`${one} and ${other} act together (${share}): the best value of one depends on the other.`,
    zh: html`${one} 与 ${other} 相互作用（${share}）：其一的最佳取值取决于另一个。`,
  }),
  inseparable: (names: Piece): Text => ({
    en: html`changed together with ${names}`,
    zh: html`与 ${names} 同时变化，无法区分`,
  }),
  more: (count: number): Text => ({
    en: `${plural(count, "more parameter")} vary and are not drawn.`,
    zh: `另有 ${count} 个变化的参数未绘制。`,
  }),
} as const
