// What the diagnosis and the coordinator wrote, in Chinese. They write English sentences from a fixed set of patterns, and store them; here
// each pattern stands beside its translation, as in a message catalogue. `{}` is a number or a name, or a clause that has
// a pattern of its own. Owns these words and finding the pattern; a sentence that matches none stays as it came.

/** English pattern → Chinese; `{1}` is what the first `{}` stood for. */
export const catalogue: ReadonlyArray<readonly [english: string, chinese: string]> = [
  // Evidence: divergence
  ["a train or eval loss was NaN or infinite", "训练损失或评估损失出现了 NaN 或无穷大"],
  ["the eval loss went from {} to {}, and the train loss rose with it", "评估损失从 {1} 升到 {2}，训练损失也随之上升"],
  // Evidence: too few evals, plateau, underfitting
  ["{} so far; a verdict needs {}", "目前有 {1}；至少要有 {2} 次评估才能下结论"],
  ["1 eval", "1 次评估"],
  ["{} evals", "{1} 次评估"],
  ["{} evals since the lowest eval loss of {} at step {}", "自第 {3} 步的最低评估损失 {2} 以来，已过了 {1} 次评估"],
  ["8 or more", "8 次或更多"],
  ["the eval loss fell by {}, from {} to {}", "评估损失下降了 {1}，从 {2} 到 {3}"],
  ["no trial of the sweep has a lower eval loss", "本次搜索中没有试验的评估损失更低"],
  ["its lowest eval loss is {} above the sweep's lowest, {}", "它的最低评估损失比本次搜索的最低值 {2} 高 {1}"],
  ["the eval loss is {} below the train loss at the end", "训练结束时，评估损失比训练损失低 {1}"],
  ["the eval loss is {} above the train loss at the end", "训练结束时，评估损失比训练损失高 {1}"],
  // Evidence: overfitting
  ["the last eval loss is the lowest; {}", "最后一次评估损失是最低的；{1}"],
  ["the last eval loss is {} above the lowest, of step {}; {}", "最后一次评估损失比第 {2} 步的最低值高 {1}；{3}"],
  ["the last {} are all more than {} above", "最后 {1} 次都高出 {2} 以上"],
  ["the last {} would have to be more than {} above", "要算过拟合，最后 {1} 次须都高出 {2} 以上"],
  ["the eval loss did not rise at the last eval", "最后一次评估时，评估损失没有上升"],
  ["the eval loss rose once up to the last eval", "到最后一次评估为止，评估损失上升了 1 次"],
  [
    "the eval loss rose {} times in a row up to the last eval, but by less than {} in all",
    "到最后一次评估为止，评估损失连续上升了 {1} 次，但总共不到 {2}",
  ],
  ["the eval loss rose {} times in a row up to the last eval", "到最后一次评估为止，评估损失连续上升了 {1} 次"],
  [
    "no train loss to compare with over two evals since the lowest eval loss",
    "自最低评估损失以来的两次评估之间，没有可比较的训练损失",
  ],
  [
    "over the last {} evals the train loss went from {} to {} and the gap to the eval loss from {} to {}",
    "最近 {1} 次评估中，训练损失从 {2} 变为 {3}，与评估损失的差距从 {4} 变为 {5}",
  ],
  // Advice
  [
    "the untouched base model has the lowest eval loss: nothing this trial learned helped on the eval file",
    "未经训练的基础模型评估损失最低：这个试验学到的内容对评估集没有帮助",
  ],
  [
    "stop at {}: the adapter of that step, the best by eval loss, is the one that is kept; epochs: {} is enough",
    "在{1}停止：保留的正是那一步的适配器（评估损失最低）；epochs: {2} 就够了",
  ],
  [
    "stop at {}: the adapter of that step, the best by eval loss, is the one that is kept",
    "在{1}停止：保留的正是那一步的适配器（评估损失最低）",
  ],
  ["step {} (epoch {})", "第 {1} 步（第 {2} 轮）"],
  ["step {}", "第 {1} 步"],
  ["lower learning_rate from {} to about {}", "把 learning_rate 从 {1} 降到约 {2}"],
  ["raise learning_rate from {} to about {}", "把 learning_rate 从 {1} 提高到约 {2}"],
  [
    "lower rank from {} to {} (and alpha from {} to {} with it): fewer parameters memorise less",
    "把 rank 从 {1} 降到 {2}（alpha 也随之从 {3} 降到 {4}）：参数越少，越不易死记硬背",
  ],
  ["lower rank from {} to {}: fewer parameters memorise less", "把 rank 从 {1} 降到 {2}：参数越少，越不易死记硬背"],
  ["set dropout to 0.1, up to 0.3 if that is not enough", "把 dropout 设为 0.1；若还不够，可到 0.3"],
  ["raise dropout from {} towards 0.3", "把 dropout 从 {1} 逐步提高到 0.3"],
  ["set weight_decay to 0.01", "把 weight_decay 设为 0.01"],
  ["add more, or more varied, training examples", "增加训练样本的数量或多样性"],
  ["use more training examples than max_samples: {}", "使用比 max_samples: {1} 更多的训练样本"],
  [
    "rank by {} as this sweep does: the eval loss can rise while answers still improve",
    "像本次搜索这样按 {1} 排名：评估损失上升时，回答质量仍可能在改进",
  ],
  ["raise warmup_ratio from {} to 0.1", "把 warmup_ratio 从 {1} 提高到 0.1"],
  ["set max_grad_norm to 1", "把 max_grad_norm 设为 1"],
  ["use precision: bf16, whose range fp16 lacks", "使用 precision: bf16，它的数值范围比 fp16 大"],
  [
    "look for broken examples: empty answers, or sequences cut off before the answer begins",
    "检查有问题的样本：空回答，或在回答开始前就被截断的序列",
  ],
  ["train longer: epochs {} → {}", "训练更久：epochs {1} → {2}"],
  ["raise rank from {} to {}", "把 rank 从 {1} 提高到 {2}"],
  ["adapt all linear layers: target_modules: all-linear", "适配所有线性层：target_modules: all-linear"],
  ["report eval/loss: without it nothing can be said of overfitting", "请上报 eval/loss：没有它就无法判断是否过拟合"],
  ["evaluate more often: evals_per_epoch {} → {}", "更频繁地评估：evals_per_epoch {1} → {2}"],
  ["evaluate more often", "更频繁地评估"],
  [
    "the eval loss was still at its lowest at the end: more epochs may lower it further",
    "训练结束时评估损失仍在最低点：增加轮数可能使它继续下降",
  ],
]

/** Why a sweep has ended, as the coordinator records it. */
const endings: ReadonlyArray<readonly [english: string, chinese: string]> = [
  ["every set of parameters was tried", "所有参数组合都已试过"],
  ["the sampler has nothing more to try", "采样器没有更多可试的参数"],
  ["its budget of {} trials is used", "{1} 次试验的预算已用完"],
  ["its budget of {} GPU hours is used", "{1} GPU 小时的预算已用完"],
  ["its budget of {} hours is used", "{1} 小时的预算已用完"],
  ["trial {} reached the target {} of {}", "第 {1} 号试验达到了 {3} 的目标值 {2}"],
]

const patterns = [...catalogue, ...endings].map(([english, chinese]) => {
  const parts = english.split("{}").map((part) => part.replaceAll(/[.()]/g, "\\$&"))
  return { matches: new RegExp(`^${parts.join("(.+?)")}$`), chinese }
})

/** The sentence in Chinese; `undefined` when no pattern is known for it. */
export const inChinese = (english: string): string | undefined => {
  for (const { matches, chinese } of patterns) {
    const found = matches.exec(english)
    if (found !== null) {
      return chinese.replaceAll(/\{(\d)\}/g, (_, at: string) => {
        const piece = found[Number(at)]!
        return inChinese(piece) ?? piece
      })
    }
  }
  return undefined
}
