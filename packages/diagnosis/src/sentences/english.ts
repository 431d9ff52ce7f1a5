// The sentences of verdicts in English: clauses, which stand after a colon as well as alone.
import { nats, percent, short } from "../numbers.ts"
import type { Catalogue } from "./Catalogue.ts"

const times = (count: number, one: string, many: string): string => (count === 1 ? `1 ${one}` : `${count} ${many}`)
const size = (share: number): string => percent(Math.abs(share))

export const english: Catalogue = {
  evidence: {
    "non-finite": ({ step }) => `a train or eval loss was NaN or infinite at step ${step}`,
    "loss-explosion": ({ lowest, lowestStep, last, trainLowest, trainLast }) =>
      `the eval loss went from its lowest, ${nats(lowest)} at step ${lowestStep}, to ${nats(last)}, and the train loss from ${nats(trainLowest)} to ${nats(trainLast)}`,
    evals: ({ evals, needed }) => `${times(evals, "eval", "evals")} so far; a verdict needs ${needed}`,
    "eval-rise": ({ lowest, lowestStep, level, percent: rise }) =>
      `the eval loss is at about ${nats(level)}, ${size(rise)} above its lowest, ${nats(lowest)} at step ${lowestStep}`,
    "eval-lowest": ({ lowest }) => `the last eval loss, ${nats(lowest)}, is the lowest so far`,
    "beyond-noise": ({ rise, noise }) => `it rose by ${nats(rise)}; one eval scatters by about ${nats(noise)}`,
    "train-falls": ({ from, to }) => `since then the train loss went from ${nats(from)} to ${nats(to)}`,
    "train-missing": () => "no train loss was reported to compare with",
    "flat-end": ({ evals, percent: change, fromStep }) =>
      `over the last ${evals} evals, from step ${fromStep} on, the value ${change < 0 ? "fell" : "rose"} by ${size(change)}`,
    progress: ({ percent: fall, from, to }) =>
      `the eval loss fell by ${percent(fall)}, from ${nats(from)} to ${nats(to)}`,
    "train-progress": ({ percent: fall, from, to }) =>
      `the train loss ${fall < 0 ? "rose" : "fell"} by ${size(fall)}, from ${nats(from)} to ${nats(to)}`,
    "small-gap": ({ gap, percent: share }) =>
      `the eval loss is ${nats(Math.abs(gap))} (${size(share)}) ${gap < 0 ? "below" : "above"} the train loss at the end`,
    "metric-worse": ({ metric, best, bestStep, level, noise }) =>
      `${metric} went from its best, ${short(best)} at step ${bestStep}, to ${short(level)}; one eval scatters by about ${short(noise)}`,
    "metric-kept": ({ metric, best, bestStep }) =>
      `${metric} has not got worse since its best, ${short(best)} at step ${bestStep}`,
    "loss-better-answers-worse": ({ metric, best, bestStep, level, lossThen, lossNow }) =>
      `the loss gets better and the answers get worse: since step ${bestStep} ${metric} went from ${short(best)} to ${short(level)}, while the eval loss went from ${nats(lossThen)} to ${nats(lossNow)}`,
    defect: ({ message }) => `the diagnosis failed: ${message}`,
  },
  advice: {
    "base-is-best": () =>
      "the untouched base model has the lowest eval loss: nothing this trial learned helped on the eval file",
    "keep-step": ({ step }) =>
      `stop at step ${step}: the adapter of that step, the best by eval loss, is the one that is kept`,
    "keep-epoch": ({ step, epoch }) =>
      `stop at step ${step} (epoch ${short(epoch)}): the adapter of that step, the best by eval loss, is the one that is kept`,
    "fewer-epochs": ({ step, epoch, epochs }) =>
      `stop at step ${step} (epoch ${short(epoch)}): the adapter of that step, the best by eval loss, is the one that is kept; epochs: ${epochs} is enough`,
    "stop-at-step": ({ step }) => `stop at step ${step}, where the eval loss is lowest`,
    "stop-at-epoch": ({ step, epoch }) => `stop at step ${step} (epoch ${short(epoch)}), where the eval loss is lowest`,
    "enough-at-step": ({ step }) => `a shorter run gives nearly the same: little was gained after step ${step}`,
    "enough-at-epoch": ({ step, epoch }) =>
      `a shorter run gives nearly the same: little was gained after step ${step} (epoch ${short(epoch)})`,
    "lower-rate": ({ from, to }) => `lower learning_rate from ${short(from)} to about ${short(to)}`,
    "raise-rate": ({ from, to }) => `raise learning_rate from ${short(from)} to about ${short(to)}`,
    "more-data": () => "add more, or more varied, training examples",
    "more-samples": ({ samples }) => `use more training examples than max_samples: ${samples}`,
    "watch-metric": ({ metric }) =>
      `rank by ${metric} as this sweep does: the eval loss can rise while answers still improve`,
    "checkpoint-by-metric": ({ metric, step }) => `use the checkpoint of step ${step}, the best by ${metric}`,
    "more-warmup": ({ from, to }) => `raise warmup_ratio from ${short(from)} to ${short(to)}`,
    clip: ({ to }) => `set max_grad_norm to ${short(to)}`,
    bf16: () => "use precision: bf16, whose range fp16 lacks",
    "check-examples": () => "look for broken examples: empty answers, or sequences cut off before the answer begins",
    longer: ({ from, to }) => `train longer: epochs ${short(from)} → ${short(to)}`,
    "raise-rank": ({ from, to }) => `raise rank from ${from} to ${to}`,
    "all-linear": () => "adapt all linear layers: target_modules: all-linear",
    "report-eval-loss": () => "report eval/loss: without it nothing can be said of overfitting",
    "evaluate-more": () => "evaluate more often",
    "evaluate-more-often": ({ from, to }) => `evaluate more often: evals_per_epoch ${from} → ${to}`,
    "still-falling": () => "the eval loss was still at its lowest at the end: more epochs may lower it further",
  },
}
