// Taking a new sweep in: what is refused before it costs anything, and the id it gets. Owns these checks of the whole
// spec; the file's own errors, with line and column, were found where it was read.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { unrunnable } from "@sweep/domain/Backend"
import { type SweepId, sweepIdFor } from "@sweep/domain/Id"
import { populationProblem } from "@sweep/domain/population"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { Refused } from "@sweep/protocol/SweepApi"
import type { Sampler } from "@sweep/search/Sampler"
import { samplerFor } from "@sweep/search/samplerFor"
import { stopperFor } from "@sweep/search/stopperFor"
import type { StoreError } from "@sweep/store/Store"
import type { Journal } from "../state/Journal.ts"
import { learn } from "../scheduling/warmStart.ts"
import { trainingOf } from "../scheduling/trialDocument.ts"

const refuse = (message: string) => Effect.fail(new Refused({ message }))

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Every set of parameters known before the start has to describe a training run. */
export const checkSpec = (spec: SweepSpec): Effect.Effect<void, Refused> =>
  Effect.gen(function* () {
    let sampler: Sampler
    try {
      sampler = samplerFor(spec)
      stopperFor(spec)
    } catch (error) {
      return yield* refuse(`this sweep cannot be searched: ${reasonOf(error)}`)
    }
    const population = populationProblem(spec)
    if (population !== null) return yield* refuse(population.message)
    const impossible = unrunnable(spec)
    if (impossible.length > 0) return yield* refuse(impossible.join("\n"))
    const suggestion = sampler.suggest([], 1)
    const none = suggestion._tag !== "Suggested" && spec.enqueue.length === 0
    if (none || (spec.budget.trials !== null && spec.budget.trials < 1)) {
      return yield* refuse(
        "this sweep has no trials: give its parameters at least one value each, and a budget of at least one trial",
      )
    }
    if (spec.replicas < 1) return yield* refuse("this sweep has no trials: `seeds` has to be at least 1")
    const first = suggestion._tag === "Suggested" ? [suggestion.parameters] : []
    for (const parameters of [...spec.enqueue, ...first]) {
      const training = trainingOf(spec, parameters)
      if (Result.isFailure(training)) {
        return yield* refuse(
          `the parameters ${JSON.stringify(parameters)} describe no training run: ${training.failure}`,
        )
      }
    }
  })

export const makeSubmit =
  (journal: Journal, versions: Readonly<Record<string, string>>) =>
  (given: SweepSpec): Effect.Effect<SweepId, Refused | StoreError> =>
    Effect.gen(function* () {
      yield* checkSpec(given)
      const spec = yield* learn(journal.state, given)
      let sweep: SweepId | undefined
      yield* journal.record((at) => {
        const { sweeps, removed } = journal.state
        sweep = sweepIdFor(spec.name, (id) => sweeps.has(id) || removed.has(id))
        return [{ _tag: "SweepSubmitted", at, sweep, spec, versions }]
      })
      return sweep!
    })
