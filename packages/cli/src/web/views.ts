// What the page is told, as JSON. Owns the shapes; reports/page/live reads them. Everything in them is data: the page
// writes it as text.
import { answerOf } from "@sweep/diagnosis/answer"
import { answerJson } from "@sweep/diagnosis/answerJson"
import { adviceSentence, evidenceSentence } from "@sweep/diagnosis/sentence"
import { originText } from "@sweep/domain/Origin"
import type { Reason } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { SweepState } from "@sweep/domain/SweepState"
import { ranFor, type Trial } from "@sweep/domain/Trial"
import type { AgentStatus } from "@sweep/protocol/SweepApi"
import { budgetUsed } from "../results/summary.ts"
import { countByState } from "../terminal/SweepView.ts"

const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null)

/** A sentence in the languages of the page. */
export const inBoth = (reason: Reason | null) =>
  reason === null ? null : { en: reasonSentence(reason, "en"), zh: reasonSentence(reason, "zh") }

export const trialRow = (trial: Trial, now: number) => ({
  number: trial.number,
  state: trial.state,
  parameters: trial.parameters,
  objective: finite(trial.objective),
  values: Object.fromEntries(Object.entries(trial.values).map(([name, value]) => [name, finite(value)])),
  verdict: trial.verdict?.kind ?? null,
  step: trial.lastStep,
  agent: trial.agent,
  slot: trial.slot,
  attempt: trial.attempt,
  seed: trial.seed,
  ranMs: ranFor(trial, now),
  startedAt: trial.startedAt,
  endedAt: trial.endedAt,
  why: inBoth(trial.failure?.message ?? trial.stopReason),
})

/** With the sentences of its verdict in both languages. */
export const trialDetail = (trial: Trial, now: number) => ({
  ...trialRow(trial, now),
  origin: originText(trial.origin),
  failure: trial.failure === null ? null : { ...trial.failure, message: reasonSentence(trial.failure.message) },
  warnings: trial.warnings,
  diagnosis:
    trial.verdict === null
      ? null
      : {
          kind: trial.verdict.kind,
          evidence: trial.verdict.evidence.map((one) => ({
            holds: one.holds,
            en: evidenceSentence(one, "en"),
            zh: evidenceSentence(one, "zh"),
          })),
          advice: trial.verdict.advice.map((one) => ({ en: adviceSentence(one, "en"), zh: adviceSentence(one, "zh") })),
        },
})

export const sweepHead = (sweep: SweepState, now: number) => ({
  id: sweep.id,
  name: sweep.spec.name,
  description: sweep.spec.description,
  status: sweep.status,
  reason: inBoth(sweep.reason),
  method: sweep.spec.method,
  metric: { name: sweep.spec.metric.name, goal: sweep.spec.metric.goal },
  /** With several objectives all of them, the first being `metric`. */
  metrics: (sweep.spec.metrics ?? []).map(({ name, goal }) => ({ name, goal })),
  space: sweep.spec.space,
  replicas: sweep.spec.replicas,
  trainer: sweep.spec.trainer,
  extendable: sweep.spec.source.text !== "",
  counts: { total: sweep.trials.size, ...countByState(sweep) },
  budget: { trials: sweep.spec.budget.trials, hours: sweep.spec.budget.hours, used: budgetUsed(sweep, now) },
  createdAt: sweep.createdAt,
  endedAt: sweep.endedAt,
})

/** The best so far without the rest of the answer, which takes longer to find. */
export const listRow = (sweep: SweepState, now: number) => {
  const sign = sweep.spec.metric.goal === "minimize" ? 1 : -1
  let best: number | null = null
  for (const { objective } of sweep.trials.values()) {
    const value = finite(objective)
    if (value !== null && (best === null || sign * value < sign * best)) best = value
  }
  return { ...sweepHead(sweep, now), best }
}

export const answerView = (sweep: SweepState, now: number) => {
  const answer = answerOf(sweep, now)
  return answer === null ? null : answerJson(answer)
}

export const hostRow = ({ agent, hostname, version, state, slots, running, trainers }: AgentStatus) => ({
  agent,
  hostname,
  version,
  state,
  trainers,
  slots: slots.map(({ index, devices }) => ({
    index,
    devices: devices.map(({ kind, name, memoryBytes }) => ({ kind, name, memoryBytes })),
  })),
  running,
})
