// 诊断的中文句子：键与英文相同。
import { nats, percent, short } from "../numbers.ts"
import type { Catalogue } from "./Catalogue.ts"

const size = (share: number): string => percent(Math.abs(share))

export const chinese: Catalogue = {
  evidence: {
    "non-finite": ({ step }) => `第 ${step} 步的训练损失或评估损失出现了 NaN 或无穷大`,
    "loss-explosion": ({ lowest, lowestStep, last, trainLowest, trainLast }) =>
      `评估损失从最低点（第 ${lowestStep} 步的 ${nats(lowest)}）升到 ${nats(last)}，训练损失也从 ${nats(trainLowest)} 升到 ${nats(trainLast)}`,
    evals: ({ evals, needed }) => `目前有 ${evals} 次评估；至少要有 ${needed} 次才能下结论`,
    "eval-rise": ({ lowest, lowestStep, level, percent: rise }) =>
      `评估损失现约为 ${nats(level)}，比最低点（第 ${lowestStep} 步的 ${nats(lowest)}）高 ${size(rise)}`,
    "eval-lowest": ({ lowest }) => `最后一次评估损失 ${nats(lowest)} 是目前最低的`,
    "beyond-noise": ({ rise, noise }) => `上升了 ${nats(rise)}；单次评估的波动约为 ${nats(noise)}`,
    "train-falls": ({ from, to }) => `此后训练损失从 ${nats(from)} 变为 ${nats(to)}`,
    "train-missing": () => "没有上报训练损失，无从比较",
    "flat-end": ({ evals, percent: change, fromStep }) =>
      `从第 ${fromStep} 步起的最近 ${evals} 次评估中，数值${change < 0 ? "下降" : "上升"}了 ${size(change)}`,
    progress: ({ percent: fall, from, to }) => `评估损失下降了 ${percent(fall)}，从 ${nats(from)} 到 ${nats(to)}`,
    "train-progress": ({ percent: fall, from, to }) =>
      `训练损失${fall < 0 ? "上升" : "下降"}了 ${size(fall)}，从 ${nats(from)} 到 ${nats(to)}`,
    "small-gap": ({ gap, percent: share }) =>
      `训练结束时，评估损失比训练损失${gap < 0 ? "低" : "高"} ${nats(Math.abs(gap))}（${size(share)}）`,
    "metric-worse": ({ metric, best, bestStep, level, noise }) =>
      `${metric} 从最好的 ${short(best)}（第 ${bestStep} 步）变为 ${short(level)}；单次评估的波动约为 ${short(noise)}`,
    "metric-kept": ({ metric, best, bestStep }) => `${metric} 自最好的 ${short(best)}（第 ${bestStep} 步）以来没有变差`,
    "loss-better-answers-worse": ({ metric, best, bestStep, level, lossThen, lossNow }) =>
      `损失在变好，回答却在变差：自第 ${bestStep} 步以来，${metric} 从 ${short(best)} 变为 ${short(level)}，而评估损失从 ${nats(lossThen)} 变为 ${nats(lossNow)}`,
    defect: ({ message }) => `诊断出错：${message}`,
  },
  advice: {
    "base-is-best": () => "未经训练的基础模型评估损失最低：这个试验学到的内容对评估集没有帮助",
    "keep-step": ({ step }) => `在第 ${step} 步停止：保留的正是那一步的适配器（评估损失最低）`,
    "keep-epoch": ({ step, epoch }) =>
      `在第 ${step} 步（第 ${short(epoch)} 轮）停止：保留的正是那一步的适配器（评估损失最低）`,
    "fewer-epochs": ({ step, epoch, epochs }) =>
      `在第 ${step} 步（第 ${short(epoch)} 轮）停止：保留的正是那一步的适配器（评估损失最低）；epochs: ${epochs} 就够了`,
    "stop-at-step": ({ step }) => `在第 ${step} 步停止，那里的评估损失最低`,
    "stop-at-epoch": ({ step, epoch }) => `在第 ${step} 步（第 ${short(epoch)} 轮）停止，那里的评估损失最低`,
    "enough-at-step": ({ step }) => `更短的训练结果相差无几：第 ${step} 步之后收益很小`,
    "enough-at-epoch": ({ step, epoch }) =>
      `更短的训练结果相差无几：第 ${step} 步（第 ${short(epoch)} 轮）之后收益很小`,
    "lower-rate": ({ from, to }) => `把 learning_rate 从 ${short(from)} 降到约 ${short(to)}`,
    "raise-rate": ({ from, to }) => `把 learning_rate 从 ${short(from)} 提高到约 ${short(to)}`,
    "more-data": () => "增加训练样本的数量或多样性",
    "more-samples": ({ samples }) => `使用比 max_samples: ${samples} 更多的训练样本`,
    "watch-metric": ({ metric }) => `像本次搜索这样按 ${metric} 排名：评估损失上升时，回答质量仍可能在改进`,
    "checkpoint-by-metric": ({ metric, step }) => `使用第 ${step} 步的检查点，按 ${metric} 它是最好的`,
    "more-warmup": ({ from, to }) => `把 warmup_ratio 从 ${short(from)} 提高到 ${short(to)}`,
    clip: ({ to }) => `把 max_grad_norm 设为 ${short(to)}`,
    bf16: () => "使用 precision: bf16，它的数值范围比 fp16 大",
    "check-examples": () => "检查有问题的样本：空回答，或在回答开始前就被截断的序列",
    longer: ({ from, to }) => `训练更久：epochs ${short(from)} → ${short(to)}`,
    "raise-rank": ({ from, to }) => `把 rank 从 ${from} 提高到 ${to}`,
    "all-linear": () => "适配所有线性层：target_modules: all-linear",
    "report-eval-loss": () => "请上报 eval/loss：没有它就无法判断是否过拟合",
    "evaluate-more": () => "更频繁地评估",
    "evaluate-more-often": ({ from, to }) => `更频繁地评估：evals_per_epoch ${from} → ${to}`,
    "still-falling": () => "训练结束时评估损失仍在最低点：增加轮数可能使它继续下降",
  },
}
