// Which ends of an attempt give the trial another one. Owns the table and its limits; the trial's history is in State.
import { lastOf, type Reason } from "@sweep/domain/Reason"
import type { Trial } from "@sweep/domain/Trial"
import type { FailureClass } from "@sweep/domain/TrialEvent"

/** What is remembered of an open trial's earlier attempts, for the limits on retries. */
export interface Releases {
  readonly total: number
  /** Of these, those after a bug. */
  readonly bugs: number
}

/** How many more attempts a failure of a class gives a trial. */
const retries: Readonly<Record<FailureClass, number>> = {
  // The same configuration needs the same memory.
  oom: 0,
  // The same seed diverges again.
  diverged: 0,
  // The file is the same next time.
  data: 0,
  // A package is missing until a person installs it.
  dependency: 0,
  // It came to its end; the next run reports as little.
  unreported: 0,
  // A trainer that crashed without a word may have been killed from outside, or its GPU fell off the bus. Once: what
  // crashes twice will crash again.
  bug: 1,
}

/**
 * An attempt that was lost, drained or preempted says nothing about the trial and burns none of its retries. There is a
 * limit nevertheless: a trial that takes its agent down with it would go round for ever.
 */
const maxReleases = 20

export const isBugRetry = (cause: Reason): boolean => cause._tag === "Retried"

/** The cause to release the trial with for another attempt, or `null` when the failure is final. */
export const retryAfterFailure = (failure: FailureClass, message: Reason, releases: Releases): Reason | null =>
  releases.bugs < retries[failure] ? { _tag: "Retried", last: lastOf(message) } : null

/** Whether a trial that was released so often is given up. */
export const releasedTooOften = (releases: Releases): boolean => releases.total >= maxReleases

export const gaveUp = (trial: Trial, cause: Reason): Reason => ({
  _tag: "GaveUp",
  attempts: trial.attempt,
  last: cause._tag === "GaveUp" ? cause.last : cause,
})

/**
 * Milliseconds until a released trial may be dispatched again. At once the first time, then longer and longer: an agent
 * that cannot start it would otherwise be asked again hundreds of times a second.
 */
export const backoff = (releases: Releases): number =>
  releases.total <= 1 ? 0 : Math.min(60_000, 500 * 2 ** (releases.total - 2))
