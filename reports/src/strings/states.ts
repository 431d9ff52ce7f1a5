// The states of a trial and the verdicts on it.
import type { TrialState } from "@sweep/domain/Trial"
import type { VerdictKind } from "@sweep/domain/Verdict"
import type { Text } from "../Say.ts"

export const states: Readonly<Record<TrialState, Text>> = {
  pending: { en: "pending", zh: "等待中" },
  assigned: { en: "assigned", zh: "已分配" },
  running: { en: "running", zh: "运行中" },
  paused: { en: "paused", zh: "已暂停" },
  completed: { en: "completed", zh: "已完成" },
  stopped: { en: "stopped early", zh: "提前停止" },
  failed: { en: "failed", zh: "失败" },
  infeasible: { en: "does not fit", zh: "装不下" },
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
