// The criteria of verdicts as codes, each with the numbers of its sentence. Owns what a code needs; the sentences stand
// in sentences/english.ts and sentences/chinese.ts, under the same keys.
import { type Arguments, Evidence } from "@sweep/domain/Verdict"

/** By criterion, what its sentence names. Losses in nats per token; `percent` in per cent, signed. */
export interface EvidenceArguments {
  readonly "non-finite": { readonly step: number }
  readonly "loss-explosion": {
    readonly lowest: number
    readonly lowestStep: number
    readonly last: number
    readonly trainLowest: number
    readonly trainLast: number
  }
  readonly evals: { readonly evals: number; readonly needed: number }
  readonly "eval-rise": {
    readonly lowest: number
    readonly lowestStep: number
    readonly level: number
    readonly percent: number
  }
  readonly "eval-lowest": { readonly lowest: number; readonly lowestStep: number }
  readonly "beyond-noise": { readonly rise: number; readonly noise: number }
  readonly "train-falls": { readonly from: number; readonly to: number }
  readonly "train-missing": Readonly<Record<string, never>>
  readonly "flat-end": {
    readonly evals: number
    readonly percent: number
    readonly fromStep: number
    /** Since when nothing was gained, which may be long before. */
    readonly since: number
  }
  readonly progress: { readonly percent: number; readonly from: number; readonly to: number }
  readonly "train-progress": { readonly percent: number; readonly from: number; readonly to: number }
  readonly "small-gap": { readonly gap: number; readonly percent: number }
  readonly "metric-worse": {
    readonly metric: string
    readonly best: number
    readonly bestStep: number
    readonly level: number
    readonly noise: number
  }
  readonly "metric-kept": { readonly metric: string; readonly best: number; readonly bestStep: number }
  readonly "loss-better-answers-worse": {
    readonly metric: string
    readonly best: number
    readonly bestStep: number
    readonly level: number
    readonly lossThen: number
    readonly lossNow: number
  }
  readonly defect: { readonly message: string }
}

export const evidence = <Criterion extends keyof EvidenceArguments>(
  criterion: Criterion,
  args: EvidenceArguments[Criterion],
  of: { readonly value: number; readonly threshold: number; readonly holds: boolean },
): Evidence => new Evidence({ criterion, args: { ...args } as Arguments, ...of })
