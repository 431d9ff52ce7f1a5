// The order in which trials that share a prefix run, so that the longer one resumes from the shorter one: it waits while a
// shorter one is under way, and then it belongs on the agent where that left its state. Pure: what is decided here is a
// function of the trials, so that a restarted coordinator continues in the same order. Which trials share a prefix is the
// domain's.
import { epochsOf } from "@sweep/domain/beginning"
import type { AgentId } from "@sweep/domain/Id"
import type { Trial } from "@sweep/domain/Trial"

/**
 * Of a sweep, trials that are made and have not begun: beyond it, nothing is kept waiting. A sampler that learns would
 * have made them better later; where all are known beforehand they are only a list that is gone through.
 */
export const mostWaiting = { learning: 32, known: 1_000 }

type Run = Pick<Trial, "parameters">

const shorterThan = ({ parameters }: Run, alike: ReadonlyArray<Trial>): ReadonlyArray<Trial> =>
  alike.filter((other) => epochsOf(other.parameters) < epochsOf(parameters))

/**
 * The shorter trial of those that begin `alike` for whose end this one waits, which has not begun yet. One that failed,
 * was set aside or cancelled is nothing to wait for.
 */
export const waitsFor = (run: Run, alike: ReadonlyArray<Trial>): Trial | undefined =>
  shorterThan(run, alike).find(({ state }) => state === "pending" || state === "assigned" || state === "running")

/** Whether a shorter one of those that begin `alike`, of the `planned` numbers of epochs, is still to be made. */
export const isToCome = (run: Run, alike: ReadonlyArray<Trial>, planned: ReadonlySet<number>): boolean => {
  const made = new Set(alike.map(({ parameters }) => epochsOf(parameters)))
  return planned.values().some((epochs) => epochs < epochsOf(run.parameters) && !made.has(epochs))
}

/** The agent that has the longest beginning of this run; `null` when none has one. */
export const homeOf = (run: Run, alike: ReadonlyArray<Trial>): AgentId | null => {
  let home: Trial | undefined
  for (const other of shorterThan(run, alike)) {
    if (other.agent === null || other.state !== "completed") continue
    if (home === undefined || epochsOf(other.parameters) > epochsOf(home.parameters)) home = other
  }
  return home?.agent ?? null
}
