// Identifiers. Owns how sweeps, trials and agents are named and how a person writes a reference to them
// (`SWEEP` or `SWEEP/N`). An id is safe as a path segment, in SQL text and in HTML: nothing else needs to escape it.
import * as Schema from "effect/Schema"

export const SweepId = Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,63}$/)).pipe(Schema.brand("SweepId"))
export type SweepId = typeof SweepId.Type

/** Counts from 1 within a sweep, in the order of the suggestions. */
export const TrialNumber = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).pipe(Schema.brand("TrialNumber"))
export type TrialNumber = typeof TrialNumber.Type

export const AgentId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)).pipe(
  Schema.brand("AgentId"),
)
export type AgentId = typeof AgentId.Type

/** Fencing token: minted at every dispatch, greater than every one before it in the same store. */
export const Epoch = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).pipe(Schema.brand("Epoch"))
export type Epoch = typeof Epoch.Type

export interface TrialRef {
  readonly sweep: SweepId
  readonly trial: TrialNumber
}

export const formatTrialRef = (ref: TrialRef): string => `${ref.sweep}/${ref.trial}`

/** `quickstart` or `quickstart/3`; `undefined` when it is neither. */
export const parseRef = (
  text: string,
): { readonly sweep: SweepId; readonly trial: TrialNumber | undefined } | undefined => {
  const match = /^([a-z0-9][a-z0-9-]{0,63})(?:\/([1-9][0-9]{0,8}))?$/.exec(text)
  if (match === null) return undefined
  return {
    sweep: SweepId.make(match[1]!),
    trial: match[2] === undefined ? undefined : TrialNumber.make(Number(match[2])),
  }
}

/**
 * The id of a sweep named `name`: its letters and digits in lower case joined by `-`, then `-2`, `-3` … when taken.
 * A name without any ASCII letter or digit (a Chinese name, say) becomes `sweep`.
 */
export const sweepIdFor = (name: string, taken: (id: SweepId) => boolean): SweepId => {
  const stem =
    name
      .normalize("NFKD")
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 56)
      .replace(/-+$/, "") || "sweep"
  for (let n = 1; ; n++) {
    const id = SweepId.make(n === 1 ? stem : `${stem}-${n}`)
    if (!taken(id)) return id
  }
}
