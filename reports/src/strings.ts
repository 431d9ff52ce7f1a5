// Every word of the report, in English and Chinese. Owns the wording and nothing else: numbers arrive formatted, names
// arrive as they are. What trainers and models wrote is shown as it came, in its own language; what the diagnosis wrote
// is translated by translations.ts.
import type { Goal } from "@sweep/domain/Metric"
import type { TrialState } from "@sweep/domain/Trial"
import type { FailureClass } from "@sweep/domain/TrialEvent"
import type { VerdictKind } from "@sweep/domain/Verdict"
import { html, type Piece } from "./Html.ts"
import type { Text } from "./Say.ts"
import { inChinese } from "./translations.ts"

const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
const strong = (piece: Piece): Piece => html`<strong>${piece}</strong>`
const code = (piece: Piece): Piece => html`<code>${piece}</code>`

const metricNames: Readonly<Record<string, Text>> = {
  "eval/loss": { en: "eval loss", zh: "评估损失" },
  "train/loss": { en: "train loss", zh: "训练损失" },
  "eval/perplexity": { en: "eval perplexity", zh: "评估困惑度" },
  "eval/token_accuracy": { en: "eval token accuracy", zh: "评估词元准确率" },
}

/** The field's words for the standard metrics, the name itself for any other. */
export const metricName = (name: string): Text =>
  Object.hasOwn(metricNames, name) ? metricNames[name]! : { en: code(name), zh: code(name) }

export const states: Readonly<Record<TrialState, Text>> = {
  pending: { en: "pending", zh: "等待中" },
  assigned: { en: "assigned", zh: "已分配" },
  running: { en: "running", zh: "运行中" },
  paused: { en: "paused", zh: "已暂停" },
  completed: { en: "completed", zh: "已完成" },
  stopped: { en: "stopped early", zh: "提前停止" },
  failed: { en: "failed", zh: "失败" },
  cancelled: { en: "cancelled", zh: "已取消" },
}

export const verdicts: Readonly<Record<VerdictKind, Text>> = {
  healthy: { en: "healthy", zh: "正常" },
  overfitting: { en: "overfitting", zh: "过拟合" },
  underfitting: { en: "underfitting", zh: "欠拟合" },
  diverged: { en: "diverged", zh: "发散" },
  plateaued: { en: "plateaued", zh: "停滞" },
  inconclusive: { en: "inconclusive", zh: "尚无结论" },
}

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
  because: (status: Text, reason: string): Text => ({
    en: html`${status.en}: ${reason}`,
    zh: html`${status.zh}：${inChinese(reason) ?? reason}`,
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

export const answer = {
  best: { en: "What to run next", zh: "接下来运行" },
  headline: (trial: number, change: string | null): Text => ({
    en: html`Trial ${trial} is best${change === null ? null : html`: run it with ${code(change)}`}`,
    zh: html`第 ${trial} 号试验最佳${change === null ? null : html`：改用 ${code(change)} 运行`}`,
  }),
  none: { en: "No trial has a result yet", zh: "尚无试验给出结果" },
  allFailed: (count: number): Text => ({
    en: count === 1 ? "The only trial failed" : count === 2 ? "Both trials failed" : `All ${count} trials failed`,
    zh: count === 1 ? "唯一的试验失败了" : `全部 ${count} 次试验都失败了`,
  }),
  allFailedBody: {
    en: html`There is no configuration to recommend. What went wrong is under <a href="#failures">Failures</a>.`,
    zh: html`没有可推荐的配置。原因见<a href="#failures">失败</a>一节。`,
  },
  noneBody: (metric: string): Text => ({
    en: html`No trial that ended has a value of ${code(metric)}, so there is nothing to rank.`,
    zh: html`已结束的试验都没有 ${code(metric)} 的值，因此无法排名。`,
  }),
  againstBase: (better: boolean): Text =>
    better
      ? { en: "better than the base model", zh: "优于基座模型" }
      : { en: "worse than the base model", zh: "劣于基座模型" },
  toRunnerUp: { en: "better than the runner-up", zh: "优于第二名" },
  time: { en: "of training", zh: "训练时间" },
  base: (value: string, change: string, better: boolean): Text => ({
    en: html`The untouched base model has ${strong(value)}: training made it ${change} ${better ? "better" : "worse"}.`,
    zh: html`未训练的基座模型为 ${strong(value)}：训练使其${better ? "改善" : "变差"} ${change}。`,
  }),
  /** Of another result than the best: how much worse it is, whatever the goal. */
  behind: (difference: string, share: string | null): Text => ({
    en: `${difference}${share === null ? "" : ` or ${share}`} worse`,
    zh: `差 ${difference}${share === null ? "" : `，即 ${share}`}`,
  }),
  level: { en: "level", zh: "相同" },
  runnerUp: (trials: ReadonlyArray<number>, value: string, behind: Text): Text =>
    trials.length === 1
      ? {
          en: html`The runner-up, trial ${trials[0]}, reached ${strong(value)} (${behind.en}).`,
          zh: html`第二名是第 ${trials[0]} 号试验，为 ${strong(value)}（${behind.zh}）。`,
        }
      : {
          en: html`The runner-up, trials ${trials.join(", ")}, reached ${strong(value)} on average (${behind.en}).`,
          zh: html`第二名是第 ${trials.join("、")} 号试验，平均为 ${strong(value)}（${behind.zh}）。`,
        },
  mean: (metric: Text, runs: number): Text => ({
    en: html`${metric.en}, mean of ${runs} runs`,
    zh: html`${metric.zh}，${runs} 次运行的均值`,
  }),
  spread: (count: number, low: string, high: string): Text => ({
    en: html`Half of the ${count} ranked trials lie between ${low} and ${high}.`,
    zh: html`在 ${count} 次有结果的试验中，居中的一半介于 ${low} 与 ${high} 之间。`,
  }),
  only: { en: "It is the only trial with a result.", zh: "它是唯一有结果的试验。" },
  cost: (trial: number, own: string, device: Text | null, count: number, all: string): Text => ({
    en: html`Trial ${trial} took ${strong(own)}${device === null ? "" : html` on ${device.en}`};
    ${count === 1 ? "the sweep" : `all ${count} trials`} took ${all}.`,
    zh: html`第 ${trial} 号试验用时
    ${strong(own)}${device === null ? "" : html`（${device.zh}）`}；${count === 1 ? "整个搜索" : `全部 ${count} 次试验`}共
    ${all}。`,
  }),
  tookOver: (from: ReadonlyArray<number>): Text => ({
    en: `Its weights came by way of ${from.length === 1 ? "trial" : "trials"} ${from.join(", ")}, with parameters that changed on the way: a run of its own with those above is another run.`,
    zh: `它的权重经由试验 ${from.join("、")} 而来，途中参数有过改动：仅用上述参数单独训练，会是另一次训练。`,
  }),
  shared: (runs: number, steps: string, all: string): Text => ({
    en: `${plural(runs, "trial")} went on from ${runs === 1 ? "a shorter one" : "shorter ones"}: ${steps} of ${all} optimiser steps were not trained twice.`,
    zh: `${runs} 次试验接续了较短的试验：共 ${all} 个优化步，其中 ${steps} 步无需重复训练。`,
  }),
  cpu: { en: "one CPU", zh: "1 个 CPU" },
  howSure: { en: "How sure?", zh: "有多可靠？" },
  chance: (probability: string, level: "clear" | "likely" | "open", configurations: number): Text => ({
    en: html`Of the ${configurations} configurations that ran it is truly the best one with a probability of
    ${strong(probability)}: ${{ clear: "a clear answer", likely: "likely, not certain", open: "an open race" }[level]}.`,
    zh: html`在运行过的 ${configurations} 个配置中，它确实最佳的概率为
    ${strong(probability)}：${{ clear: "结论明确", likely: "很可能，但不确定", open: "尚难分胜负" }[level]}。`,
  }),
  aheadOfRunnerUp: (probability: string): Text => ({
    en: `It is better than the runner-up with a probability of ${probability}.`,
    zh: `它优于第二名的概率为 ${probability}。`,
  }),
  expected: (low: string, high: string): Text => ({
    en: `Run again, it can be expected between ${low} and ${high} on average (80 % interval): the best of many looks a little better than it is.`,
    zh: `再次运行时，其平均值预计在 ${low} 与 ${high} 之间（80 % 区间）：多者中的最佳者总会显得略好于实际。`,
  }),
  noise: {
    runs: (noise: string): Text => ({
      en: `Runs of the same parameters differ by about ${noise} (standard deviation).`,
      zh: `相同参数的各次运行相差约 ${noise}（标准差）。`,
    }),
    neighbours: (noise: string): Text => ({
      en: `Nothing ran twice; judged by how much trials with similar parameters differ, runs of the same parameters differ by about ${noise} (standard deviation).`,
      zh: `没有配置运行过两次；从参数相近的试验之间的差异推断，相同参数的各次运行相差约 ${noise}（标准差）。`,
    }),
    assumed: (noise: string): Text => ({
      en: `Nothing ran twice and there are too few trials to judge by their neighbours; that runs of the same parameters differ by about ${noise} is an assumption.`,
      zh: `没有配置运行过两次，试验也太少，无法由相近的试验推断；相同参数的各次运行相差约 ${noise} 只是假设。`,
    }),
  },
  rivals: (trials: ReadonlyArray<number>, gain: string): Text => ({
    en: `Within reach of being the best as well: ${trials.length === 1 ? "trial" : "trials"} ${trials.join(", ")}. Running these and the best one again with other seeds would gain ${gain} on average.`,
    zh: `同样有可能最佳的还有第 ${trials.join("、")} 号试验。用其他种子重跑它们和最佳者，平均可再改善 ${gain}。`,
  }),
  hour: (trials: number, gain: string): Text => ({
    en: `Another hour, ${plural(trials, "trial")} at the pace so far, would improve the best by about ${gain} if the search goes on as before.`,
    zh: `若搜索照此继续，再用一小时（按目前的速度为 ${trials} 次试验），最佳值预计再改善约 ${gain}。`,
  }),
  shorter: (parameter: string, to: string, from: string, why: "overfitting" | "plateaued"): Text => ({
    en: html`Run it with ${strong(code(`${parameter}: ${to}`))} instead of ${from}:
    ${why === "overfitting" ? "beyond that it overfits" : "beyond that it gains nothing"}.`,
    zh: html`请用 ${strong(code(`${parameter}: ${to}`))} 而非 ${from}
    运行：${why === "overfitting" ? "再长就会过拟合" : "再长也没有收获"}。`,
  }),
  checkpoint: (step: string, kept: boolean): Text => ({
    en: `The value above is that of the checkpoint at step ${step}${kept ? ", which is the one that was kept" : ""}.`,
    zh: `上面的值来自第 ${step} 步的检查点${kept ? "，保留的也是它" : ""}。`,
  }),
  failedRuns: (failed: number): Text => ({
    en: `${plural(failed, "run")} of the same parameters failed.`,
    zh: `相同参数另有 ${failed} 次运行失败。`,
  }),
  lighter: (trial: number, value: string, behind: Text, time: string): Text => ({
    en: html`Nearly as good for less: trial ${trial} reached ${strong(value)} (${behind.en}) in ${time}.`,
    zh: html`更省且几乎同样好：第 ${trial} 号试验用 ${time} 达到 ${strong(value)}（${behind.zh}）。`,
  }),
  stopped: (reason: string | null): Text => ({
    en: `It was stopped early${reason === null ? "" : ` (${reason})`}: left alone, it might have got better still.`,
    zh: `它被提前停止${reason === null ? "" : `（${reason}）`}：若继续训练，可能还会更好。`,
  }),
  edge: (parameters: Piece): Text => ({
    en: html`The best value of ${parameters} lies at the edge of what was tried: a better one may lie beyond.`,
    zh: html`${parameters} 的最佳取值位于搜索范围的边缘：范围之外可能更好。`,
  }),
} as const

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
  mean: { en: "Mean of runs", zh: "各次运行均值" },
  meanOf: (metric: Text): Text => ({
    en: html`the mean ${metric.en} of all runs with their parameters`,
    zh: html`相同参数各次运行的平均${metric.zh}`,
  }),
  wentOn: (from: number | null, step: string): Text => ({
    en: `went on from ${from === null ? "a shorter one" : `#${from}`} at step ${step}`,
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

export const curves = {
  lead: {
    en: html`Coloured by verdict; the best trial is drawn bold.
      <span class="js">Hover for details, click to hold a trial, drag to move, pinch or Ctrl + wheel to zoom.</span>`,
    zh: html`按诊断着色，最佳试验加粗。<span class="js"
        >悬停查看详情，点击固定试验，拖动平移，双指或 Ctrl + 滚轮缩放。</span
      >`,
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
    en: "The dashed rule marks the best eval loss; after it the trial overfits.",
    zh: "虚线标出评估损失最低处，此后该试验过拟合。",
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
    en: `${takeovers === 1 ? "Once a member" : `${takeovers} times a member`} of the population took over the weights of a better one and went on with changed parameters. A curve jumps where its trial did.`,
    zh: `种群成员共有 ${takeovers} 次接过更好成员的权重，并以改动后的参数继续训练。曲线在接替处会跳变。`,
  }),
  step: { en: "Step", zh: "步" },
  trial: { en: "Trial", zh: "试验" },
  from: { en: "Went on from", zh: "接续自" },
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

export const reproduce = {
  lead: {
    en: "The same file and seed give the same trials; the same seed and versions give the same losses on the same device.",
    zh: "相同的文件与种子给出相同的试验；在同一设备上，相同的种子与版本给出相同的损失。",
  },
  commands: { en: "Commands", zh: "命令" },
  file: { en: "Sweep file", zh: "搜索文件" },
  noFile: { en: "The text of the sweep file was not kept.", zh: "未保留搜索文件的文本。" },
  data: { en: "Model and data", zh: "模型与数据" },
  model: { en: "Model", zh: "模型" },
  train: { en: "Train", zh: "训练集" },
  eval: { en: "Eval", zh: "评估集" },
  records: (records: string, size: string): Text => ({
    en: `${records} records, ${size}`,
    zh: `${records} 条，${size}`,
  }),
  seed: { en: "Sweep seed", zh: "搜索种子" },
  trialSeed: { en: "Best trial's seed", zh: "最佳试验的种子" },
  method: { en: "Method", zh: "搜索方法" },
  versions: { en: "Versions", zh: "版本" },
  runAll: { en: "run the sweep again", zh: "重新运行搜索" },
  bestOnly: { en: "print the best configuration", zh: "打印最佳配置" },
  export: { en: "every metric as Parquet", zh: "以 Parquet 导出全部指标" },
} as const

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
