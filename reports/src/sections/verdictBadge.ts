// A verdict or a state as a small label: colour, sign and word, so that none of the three is needed.
import type { TrialState } from "@sweep/domain/Trial"
import type { Verdict, VerdictKind } from "@sweep/domain/Verdict"
import { html, type Html } from "../Html.ts"
import { signs } from "../signs.ts"
import { say } from "../Say.ts"
import { states, verdicts } from "../strings/states.ts"

export const kindBadge = (kind: VerdictKind): Html =>
  html`<span class="badge ${kind}"
    ><span class="sign" aria-hidden="true">${signs[kind]}</span>${say(verdicts[kind])}</span
  >`

export const verdictBadge = (verdict: Verdict | null): Html =>
  verdict === null ? html`<span class="none">–</span>` : kindBadge(verdict.kind)

export const stateBadge = (state: TrialState): Html => html`<span class="state ${state}">${say(states[state])}</span>`
