// What becomes of a trial when its attempt is over. Pure: from the trial, how the attempt ended and what was stored of
// it to the fact that follows. Recording it is endings.ts'.
import type { Fact } from "@sweep/domain/Fact"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { OutOfMemory } from "@sweep/domain/OutOfMemory"
import type { FailureClass } from "@sweep/domain/TrialEvent"
import type { AttemptEnd } from "@sweep/protocol/AgentMessage"
import { lastValues, objectiveOf, type Reported } from "./objective.ts"
import { gaveUp, releasedTooOften, retryAfterFailure } from "../state/retry.ts"
import type { Releases } from "../state/retry.ts"

/** A program of the user's counts its steps as it likes: its first epoch is often step 0. */
const beginsUntrained = ({ spec }: SweepState): boolean => spec.trainer !== "command"

const howToReport = "docs/scripts.md"

export const factOfEnd = (options: {
  readonly at: number
  readonly sweep: SweepState
  /** In flight, with an epoch. */
  readonly trial: Trial
  readonly end: AttemptEnd
  readonly reported: Omit<Reported, "finished">
  readonly releases: Releases
}): Fact => {
  const { at, sweep, trial, end, releases } = options
  const reported = { ...options.reported, finished: end._tag === "Finished" ? end.values : {} }
  const ofTrial = { at, sweep: sweep.id, trial: trial.number }
  const ofAttempt = { ...ofTrial, epoch: trial.epoch! }
  const failed = (of: FailureClass, message: Reason, detail: string | null = null, memory?: OutOfMemory) =>
    ({
      _tag: "TrialFailed",
      ...ofTrial,
      class: of,
      message,
      detail,
      ...(memory !== undefined && { memory }),
    }) satisfies Fact
  const stopped = (reason: Reason) => {
    const objective = objectiveOf(sweep.spec.metric, reported, beginsUntrained(sweep))
    return {
      _tag: "TrialStopped",
      ...ofTrial,
      reason,
      objective: objective._tag === "Known" ? objective.value : null,
      values: lastValues(reported),
    } satisfies Fact
  }

  switch (end._tag) {
    case "Finished": {
      if (end.interrupted) return stopped(trial.stopReason ?? { _tag: "AgentAsked" })
      const help = sweep.spec.trainer === "command" ? howToReport : null
      const objective = objectiveOf(sweep.spec.metric, reported, beginsUntrained(sweep), help)
      switch (objective._tag) {
        case "Known":
          return {
            _tag: "TrialCompleted",
            ...ofAttempt,
            objective: objective.value,
            step: end.step,
            values: lastValues(reported),
          }
        case "NotFinite":
          return failed("diverged", objective.why)
        case "NeverArrived":
          return failed("unreported", objective.why)
      }
    }
    case "Failed": {
      // Who was asked to stop is not started again, whatever it failed of.
      const cause = trial.stopReason === null ? retryAfterFailure(end.class, end.message, releases) : null
      return cause === null
        ? failed(end.class, end.message, end.detail, end.memory)
        : { _tag: "TrialReleased", ...ofAttempt, cause }
    }
    case "Released":
      if (trial.stopReason !== null) return stopped(trial.stopReason)
      if (end.pausedAt !== undefined) return { _tag: "TrialPaused", ...ofTrial, rule: end.cause, step: end.pausedAt }
      return releasedTooOften(releases)
        ? failed("bug", gaveUp(trial, end.cause))
        : { _tag: "TrialReleased", ...ofAttempt, cause: end.cause }
  }
}
