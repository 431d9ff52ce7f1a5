// What a sweep file means and what it takes of memory, before anything runs. Owns putting the two together for whoever
// checks a file: the command and the tool of coding agents.
import * as Effect from "effect/Effect"
import { describeSweep } from "@sweep/sweepfile/describeSweep"
import { memoryPlan } from "./memoryPlan.ts"
import { preview } from "./preview.ts"
import { readSweepFile } from "./readSweepFile.ts"

/** `card`: against which memory is judged. */
export const checkSweep = Effect.fn("checkSweep")(function* (file: string, card: Parameters<typeof memoryPlan>[2]) {
  const { spec, neverActive, warnings } = yield* readSweepFile(file)
  const view = preview(spec)
  const description = describeSweep(spec, { ...view, neverActive }, warnings)
  return { description, memory: memoryPlan(spec, view.order ?? [...spec.enqueue, ...view.firstTrials], card) }
})
