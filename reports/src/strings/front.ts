// Several metrics at once, and limits on what trials report.
import { html } from "../Html.ts"
import type { Text } from "../Say.ts"
import { code, plural, strong } from "./words.ts"

const names = (metrics: ReadonlyArray<string>, and: string, comma: string): string =>
  metrics.length < 2 ? metrics.join("") : `${metrics.slice(0, -1).join(comma)}${and}${metrics.at(-1)}`

export const front = {
  title: { en: "Pareto front", zh: "帕累托前沿" },
  lead: (members: number, compared: number, metrics: ReadonlyArray<string>): Text => ({
    en: html`${strong(String(members))} of ${plural(compared, "configuration")} that keep every limit and report every
    metric: no other one is better in one of ${names(metrics, " and ", ", ")} without being worse in another.`,
    zh: html`共比较 ${compared} 个满足全部限制、且报告了全部指标的配置，其中 ${strong(String(members))} 个位于前沿：就
    ${names(metrics, "与", "、")} 而言，没有其他配置能在不损害另一项的情况下更优。`,
  }),
  compromise: (trial: number): Text => ({
    en: html`Trial ${trial} is nearest to the best of each metric: a place to begin reading, not a weighing of them.`,
    zh: html`第 ${trial} 号试验距各项指标的最佳值最近：可从它读起，但这并不代表对各指标的权衡。`,
  }),
  hypervolume: (share: string, reference: string): Text => ({
    en: html`The front dominates ${strong(share)} of the box up to ${reference} (hypervolume).`,
    zh: html`前沿支配了以 ${reference} 为参考点的区域的 ${strong(share)}（超体积）。`,
  }),
  halfway: (trials: number, share: string): Text => ({
    en: `After ${plural(trials, "trial")} it was ${share}.`,
    zh: `完成 ${trials} 次试验时为 ${share}。`,
  }),
  growth: { en: "Hypervolume over trials", zh: "超体积随试验的变化" },
  trials: { en: "Trials", zh: "试验" },
  nearest: { en: "nearest to the best of each", zh: "距各项最佳值最近" },
}

export const limits = {
  headline: (trial: number): Text => ({
    en: `Trial ${trial} comes nearest to the limits`,
    zh: `第 ${trial} 号试验最接近限制`,
  }),
  broken: {
    en: "No configuration keeps every limit on what trials report. This one comes nearest, and is no answer yet.",
    zh: "没有配置满足对试验结果的全部限制。此配置最接近，但还不能作为结论。",
  },
  kept: (constraint: string, value: string | null, kept: number, broken: number, unknown: number): Text => ({
    en: html`${code(constraint)}: ${value === null ? "not reported here" : html`here ${value}`};
    ${plural(kept, "configuration")} ${kept === 1 ? "keeps" : "keep"} it, ${broken} ${broken === 1 ? "breaks" : "break"}
    it${unknown === 0 ? "" : `, ${unknown} never reported it`}.`,
    zh: html`${code(constraint)}：此配置${value === null ? "未报告该指标" : html`为 ${value}`}；${kept}
    个配置满足，${broken} 个不满足${unknown === 0 ? "" : `，${unknown} 个从未报告`}。`,
  }),
  noRunnerUp: {
    en: "No other configuration keeps every limit, so there is no runner-up.",
    zh: "没有其他配置满足全部限制，因此没有第二名。",
  },
} satisfies Record<string, Text | ((...args: never) => Text)>
