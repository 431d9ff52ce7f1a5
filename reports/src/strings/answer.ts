// The answer: what to run next, how sure that is, and what it cost.
import { html, type Piece } from "../Html.ts"
import type { Text } from "../Say.ts"
import { code, plural, strong } from "./words.ts"

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
    en: `${plural(runs, "trial")} resumed from ${runs === 1 ? "a shorter one" : "shorter ones"}: ${steps} of ${all} optimiser steps were not trained twice.`,
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
    en: `Another hour, ${plural(trials, "trial")} at the pace so far, would improve the best by about ${gain} if the search continues as before.`,
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
  stopped: (reason: { readonly en: string; readonly zh: string } | null): Text => ({
    en: `It was stopped early${reason === null ? "" : ` (${reason.en})`}: left alone, it might have got better still.`,
    zh: `它被提前停止${reason === null ? "" : `（${reason.zh}）`}：若继续训练，可能还会更好。`,
  }),
  edge: (parameters: Piece): Text => ({
    en: html`The best value of ${parameters} lies at the edge of what was tried: a better one may lie beyond.`,
    zh: html`${parameters} 的最佳取值位于搜索范围的边缘：范围之外可能更好。`,
  }),
} as const
