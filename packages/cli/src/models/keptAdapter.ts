// The kept adapter of a trial, or of a sweep's best one. Owns which files these are, and why there are none.
import * as Effect from "effect/Effect"
import { adapterFolder } from "@sweep/domain/Artifact"
import { formatTrialRef, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { badInput } from "../exitCodes.ts"
import { leaders } from "../terminal/SweepView.ts"

/** `all`: checkpoints, too. The paths of the files begin with the adapter's folder. */
export const keptAdapter = Effect.fn("keptAdapter")(function* (
  { sweep, trial }: { readonly sweep: SweepId; readonly trial: TrialNumber | undefined },
  all = false,
) {
  const api = yield* SweepApi
  const state = yield* api.get(sweep)
  const number = trial ?? leaders(state)[0]?.trials[0].number
  if (number === undefined) {
    return yield* badInput(`no trial of ${sweep} has a result yet; name one: ${sweep}/1`)
  }
  // Where the result is another sweep's, the files are, too.
  const from = state.trials.get(number)?.reusedFrom ?? { sweep, trial: number }
  const name = formatTrialRef(from)
  const kept = yield* api.artifacts(from.sweep, from.trial)
  const newest = Math.max(...kept.map(({ epoch }) => epoch))
  const prefix = `${adapterFolder}/`
  const files = kept.filter(({ epoch, path }) => epoch === newest && (all || path.startsWith(prefix)))
  if (files.length === 0) {
    const rule = (from.sweep === sweep ? state : yield* api.get(from.sweep)).spec.artifacts
    return yield* badInput(
      kept.length > 0
        ? `no adapter of ${name} is kept, only checkpoints; fetch them with 'sweep pull ${name} --all'`
        : rule === "none"
          ? `no files of ${name} are kept: the sweep file of ${from.sweep} says 'artifacts: none', so they stay on the host that trained it`
          : `no files of ${name} are kept (yet): they come when the trial has ended, and of failed and cancelled ones none are kept; 'sweep artifacts ${from.sweep}' lists what there is`,
    )
  }
  return { state, number, trial: state.trials.get(number)!, from, name, files, prefix }
})
