// The dispatches of a sweep's trials, read off the facts: when each began, when it ended and how. The view `attempts`
// is the same in SQL.
import type { Fact, FactOf } from "@sweep/domain/Fact"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { AttemptRecord } from "@sweep/domain/SweepResults"

type Open = { record: AttemptRecord; epoch: number }

const endOf = (fact: Fact, open: Open): string | undefined => {
  switch (fact._tag) {
    case "TrialAssigned":
      return fact.epoch === open.epoch ? undefined : "replaced"
    case "TrialReleased":
      return fact.epoch === open.epoch ? "released" : undefined
    case "TrialCompleted":
      return fact.epoch === open.epoch ? "completed" : undefined
    case "TrialPaused":
      return "paused"
    case "TrialStopped":
      return "stopped"
    case "TrialFailed":
      return "failed"
    case "TrialCancelled":
      return "cancelled"
    default:
      return undefined
  }
}

const opened = (fact: FactOf<"TrialAssigned">): Open => ({
  epoch: fact.epoch,
  record: {
    trial: fact.trial,
    attempt: fact.attempt,
    agent: fact.agent,
    assignedAt: fact.at,
    endedAt: null,
    end: null,
    cause: null,
  },
})

/** By trial, oldest attempt first. */
export const attemptRecords = (facts: Iterable<Fact>, sweep: SweepId): ReadonlyArray<AttemptRecord> => {
  const all: Array<Open> = []
  const open = new Map<TrialNumber, Open>()
  const seen = new Set<string>()
  for (const fact of facts) {
    if (!("trial" in fact) || fact.sweep !== sweep) continue
    const current = open.get(fact.trial)
    const end = current && endOf(fact, current)
    if (current !== undefined && end !== undefined) {
      current.record = {
        ...current.record,
        endedAt: fact.at,
        end,
        cause: fact._tag === "TrialReleased" ? fact.cause : null,
      }
      open.delete(fact.trial)
    }
    if (fact._tag === "TrialAssigned" && !seen.has(`${fact.trial}/${fact.epoch}`)) {
      seen.add(`${fact.trial}/${fact.epoch}`)
      const next = opened(fact)
      all.push(next)
      open.set(fact.trial, next)
    }
  }
  return all.map((one) => one.record).sort((a, b) => a.trial - b.trial)
}
