// `sweep run` of a sweep whose trials a program runs itself: there is nothing to start, it is submitted and left.
import * as Effect from "effect/Effect"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../serving/access.ts"
import type { CoordinatorFlags } from "../flags.ts"
import { printJson, printLines } from "../output.ts"

export const submitExternal = (
  spec: SweepSpec,
  { coordinator, json }: { readonly coordinator: CoordinatorFlags; readonly json: boolean },
) =>
  Effect.gen(function* () {
    const id = yield* (yield* SweepApi).submit(spec)
    yield* json
      ? printJson({ sweep: id })
      : printLines([
          `${id} was submitted; its trials are yours to run:`,
          `  sweep ask ${id} --json`,
          `  sweep tell ${id}/1 --value …`,
        ])
  }).pipe((effect) => withApi(coordinator, effect), explainApi)
