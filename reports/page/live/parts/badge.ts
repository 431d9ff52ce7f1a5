// A verdict or a state as a small label, as in the report: colour, sign and word.
import { signs } from "../../../src/signs.ts"
import { h } from "../dom.ts"
import { named } from "../words/words.ts"

export const verdictBadge = (verdict: string | null): HTMLElement =>
  verdict === null
    ? h("span", { class: "none" }, "–")
    : h(
        "span",
        { class: `badge ${verdict}` },
        h(
          "span",
          { class: "sign", "aria-hidden": "true" },
          Object.hasOwn(signs, verdict) ? signs[verdict as never] : "",
        ),
        named(verdict),
      )

export const stateBadge = (state: string): HTMLElement => h("span", { class: `state ${state}` }, named(state))

export const statusPill = (status: string): HTMLElement =>
  h("span", { class: `pill ${status}`, id: "status", "data-status": status }, named(status))
