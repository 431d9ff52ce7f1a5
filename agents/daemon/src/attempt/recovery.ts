// What a restarted agent does with the attempts its earlier life left. Owns the choice: a trainer that still runs is
// adopted, one that is gone has its spool sent and is given back unless the spool says how it ended. Nothing is started
// twice, and nothing is left running unseen.
import * as Effect from "effect/Effect"
import { attemptEnd } from "./attemptEnd.ts"
import type { Attempt } from "./Attempt.ts"
import type { Attempts } from "./Attempts.ts"
import { hasProc } from "../process/ProcessIdentity.ts"
import { Processes } from "../process/Processes.ts"
import type { Slots } from "../host/Slots.ts"
import { adoptedTrainer } from "../trainers/Trainer.ts"

const endOfGone = Effect.fn("recovery.endOfGone")(function* (attempt: Attempt) {
  const { tree } = attempt.record
  // Its workers may have outlived it, or it was started in the moment the agent died.
  if (tree !== null && hasProc) yield* (yield* Processes).kill(tree)
  attempt.tail.catchUp()
  const { tail } = attempt
  yield* attempt.endedAs(
    attemptEnd({
      completesByStatus: false,
      over: { _tag: "Vanished" },
      event: tail.end,
      stop: tail.end === undefined ? { mode: "preempt", reason: { _tag: "AgentRestarted" } } : undefined,
      step: tail.step,
      values: tail.values,
      stderr: "",
      oomKilled: false,
      diskFull: false,
      invalid: tail.invalid,
      problem: tail.problem,
    }),
  )
})

export const recoverAttempts = Effect.fn("recoverAttempts")(function* (attempts: Attempts, slots: Slots) {
  const { isRunning } = yield* Processes
  for (const attempt of yield* attempts.recover) {
    const { tree, end, slot } = attempt.record
    if (end !== null) continue
    if (tree === null || !isRunning(tree)) {
      yield* endOfGone(attempt)
      yield* Effect.logInfo(`${attempt.name}: its trainer is gone (${attempt.end?._tag})`)
      continue
    }
    yield* Effect.logInfo(`${attempt.name}: still runs as process ${tree.pid}; adopted`)
    const trainer = adoptedTrainer(tree)
    attempt.begun = true
    if (slots.get(slot) !== undefined) slots.enqueue(slot, attempt, trainer)
    else yield* Effect.forkScoped(slots.runNow(attempt, trainer))
  }
})
