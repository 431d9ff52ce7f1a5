// A sign for each verdict, so that colour is not needed to tell them apart.
import type { VerdictKind } from "@sweep/domain/Verdict"

export const signs: Readonly<Record<VerdictKind, string>> = {
  healthy: "●",
  overfitting: "▲",
  underfitting: "▽",
  diverged: "✕",
  plateaued: "＝",
  inconclusive: "○",
}
