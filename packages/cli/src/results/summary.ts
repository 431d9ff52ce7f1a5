// A sweep and its trials as JSON for programs: the shape of every `--json`, documented in docs/cli.md.
import { answerOf } from "@sweep/diagnosis/answer"
import { answerJson } from "@sweep/diagnosis/answerJson"
import { gpuHoursUsed, hoursUsed } from "@sweep/domain/budgetUse"
import { formatTrialRef } from "@sweep/domain/Id"
import { takeoversOf } from "@sweep/domain/lineage"
import { originText } from "@sweep/domain/Origin"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { adviceSentence, evidenceSentence } from "@sweep/diagnosis/sentence"
import type { Verdict } from "@sweep/domain/Verdict"
import { countByState, countByVerdict, leaders } from "../terminal/SweepView.ts"

const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null)

/** With the English sentences beside the codes they come from. */
const verdictJson = (verdict: Verdict) => ({
  kind: verdict.kind,
  sinceStep: verdict.sinceStep,
  certain: verdict.certain ?? false,
  evidence: verdict.evidence.map((one) => ({ ...one, statement: evidenceSentence(one, "en") })),
  advice: verdict.advice.map((one) => adviceSentence(one, "en")),
  advice_codes: verdict.advice.filter((one) => typeof one !== "string"),
})

export const trialJson =
  ({ trials }: Pick<SweepState, "trials">) =>
  (trial: Trial) => ({
    sweep: trial.sweep,
    trial: trial.number,
    state: trial.state,
    parameters: trial.parameters,
    objective: finite(trial.objective),
    values: Object.fromEntries(Object.entries(trial.values).map(([name, value]) => [name, finite(value)])),
    verdict: trial.verdict === null ? null : verdictJson(trial.verdict),
    failure: trial.failure === null ? null : { ...trial.failure, message: reasonSentence(trial.failure.message) },
    stop_reason: trial.stopReason === null ? null : reasonSentence(trial.stopReason),
    seed: trial.seed,
    origin: originText(trial.origin),
    reused_from: trial.reusedFrom === null ? null : formatTrialRef(trial.reusedFrom),
    lineage: takeoversOf(trials, trial).map(({ from, step, reason, changes }) => ({
      from,
      step,
      reason: reasonSentence(reason),
      changes,
    })),
    warnings: trial.warnings,
    attempt: trial.attempt,
    agent: trial.agent,
    created_at: trial.createdAt,
    started_at: trial.startedAt,
    ended_at: trial.endedAt,
  })

export const bestJson = (sweep: SweepState) => {
  const best = leaders(sweep)[0]
  return best === undefined
    ? null
    : {
        trial: best.trials[0].number,
        parameters: best.parameters,
        objective: best.mean,
        deviation: best.deviation,
        trials: best.trials.map(({ number }) => number),
        answer: answerJson(answerOf(sweep, Date.now())!),
      }
}

/** `now` is in milliseconds since the Unix epoch. */
export const budgetUsed = (sweep: SweepState, now: number) => ({
  trials: sweep.trials.size,
  hours: hoursUsed(sweep, now),
  gpu_hours: gpuHoursUsed(sweep, now),
})

/** What `sweep run --json` ends with, but for the report's path. */
export const summaryJson = (sweep: SweepState) => ({
  sweep: sweep.id,
  name: sweep.spec.name,
  status: sweep.status,
  reason: sweep.reason === null ? null : reasonSentence(sweep.reason),
  metric: sweep.spec.metric,
  method: sweep.spec.method,
  trials: { total: sweep.trials.size, ...countByState(sweep) },
  best: bestJson(sweep),
  verdicts: countByVerdict(sweep),
  revision: sweep.revision,
  warm_start: { sweeps: sweep.spec.warmStart ?? [], results: sweep.spec.learned?.length ?? 0 },
  budget: {
    trials: sweep.spec.budget.trials,
    hours: sweep.spec.budget.hours,
    gpu_hours: sweep.spec.budget.gpuHours,
    used: budgetUsed(sweep, Date.now()),
  },
  created_at: sweep.createdAt,
  ended_at: sweep.endedAt,
})
