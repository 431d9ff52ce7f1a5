// Carries out what an attempt is asked while it runs: finish (a line in control.jsonl), preempt (SIGTERM, and SIGKILL
// after the grace time), kill. Owns the escalation: a stronger request overtakes a weaker one, a request to finish that
// is not obeyed becomes a stronger one.
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { StopMode } from "@sweep/protocol/AgentMessage"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Attempt } from "./Attempt.ts"
import { Processes } from "../process/Processes.ts"
import type { ProcessTree } from "../process/ProcessTree.ts"

const strength: Readonly<Record<StopMode, number>> = { finish: 1, preempt: 2, kill: 3 }

/** The built-in trainers save, evaluate and answer probes when asked to finish; a command may not know how to be asked. */
const patience = (attempt: Attempt, grace: number): number =>
  attempt.record.trainer === "command" ? grace : 10 * grace

/** Until interrupted: that the trainer is gone is for its caller to see. */
export const obeyStops = (attempt: Attempt, tree: ProcessTree, grace: () => number): Effect.Effect<never> =>
  Effect.scoped(
    Effect.gen(function* () {
      const processes = yield* Processes
      let obeying = 0
      for (;;) {
        const request = yield* Queue.take(attempt.stops)
        if (strength[request.mode] <= obeying) continue
        obeying = strength[request.mode]
        if (request.escalated !== true) attempt.stop = request
        yield* Effect.logInfo(`${attempt.name}: ${request.mode} (${reasonSentence(request.reason)})`)
        switch (request.mode) {
          case "finish": {
            const asked = yield* Effect.result(
              Effect.try(() => attempt.directory.askToStop(reasonSentence(request.reason))),
            )
            // No disk left to write the question on: the signal needs none.
            const wait = asked._tag === "Failure" ? 0 : patience(attempt, grace())
            yield* Effect.forkScoped(
              Effect.andThen(
                Effect.sleep(wait),
                Queue.offer(attempt.stops, { mode: "preempt", reason: { _tag: "NotInTime" }, escalated: true }),
              ),
            )
            break
          }
          case "preempt":
            attempt.signalled = true
            yield* Effect.forkScoped(processes.terminate(tree, request.grace ?? grace()))
            break
          case "kill":
            attempt.signalled = true
            yield* Effect.forkScoped(processes.kill(tree))
            break
        }
      }
    }),
  )
