// Between the wire and what a program that runs its own trials asks and tells. Owns this conversion.
import * as Schema from "effect/Schema"
import { TrialNumber } from "@sweep/domain/Id"
import { Parameters } from "@sweep/domain/Parameter"
import { type TrialState, trialStates } from "@sweep/domain/Trial"
import { FailureClass } from "@sweep/domain/TrialEvent"
import type * as wire from "@sweep/proto/sweep"
import { jsonCodec } from "./jsonChunks.ts"
import type { Asked, Heard, Told } from "@sweep/protocol/SweepApi"
import { WireError } from "../transport/WireError.ts"

export const parametersJson = jsonCodec(Parameters)

export const encodeAsked = (asked: Asked): wire.AskResponse => {
  switch (asked._tag) {
    case "Trial": {
      const { trial, parameters, seed, attempt } = asked
      const parametersText = parametersJson.encode(parameters)
      const value = { trial, parametersJson: parametersText, seed: BigInt(seed), attempt }
      return { outcome: { $case: "trial", value } }
    }
    case "Wait":
      return { outcome: { $case: "wait", value: {} } }
    case "Ended":
      return { outcome: { $case: "ended", value: { reason: asked.reason } } }
  }
}

/** Throws a WireError. */
export const decodeAsked = ({ outcome }: wire.AskResponse): Asked => {
  switch (outcome?.$case) {
    case "trial": {
      const { trial, parametersJson: text, seed, attempt } = outcome.value
      const parameters = parametersJson.decode(text)
      return { _tag: "Trial", trial: TrialNumber.make(trial), parameters, seed: Number(seed), attempt }
    }
    case "wait":
      return { _tag: "Wait" }
    case "ended":
      return { _tag: "Ended", reason: outcome.value.reason }
    case undefined:
      throw new WireError({ message: "the answer holds no trial, and does not say why" })
  }
}

const encodeEnd = (end: Told["end"]): wire.TellRequest["end"] =>
  end === null
    ? undefined
    : end._tag === "Finished"
      ? { $case: "finished", value: { values: { ...end.values } } }
      : { $case: "failed", value: { class: end.class, message: end.message } }

export const encodeTold = (sweep: string, trial: number, { reports, end }: Told): wire.TellRequest => ({
  sweep,
  trial,
  reports: reports.map(({ step, values }) => ({ step, values: { ...values } })),
  end: encodeEnd(end),
})

/** Throws a WireError. */
export const decodeTold = ({ reports, end }: Pick<wire.TellRequest, "reports" | "end">): Told => {
  if (end?.$case === "finished") return { reports, end: { _tag: "Finished", values: end.value.values } }
  if (end?.$case === "failed") {
    const { class: of, message } = end.value
    if (!Schema.is(FailureClass)(of)) {
      const known = FailureClass.literals.join(", ")
      throw new WireError({ message: `failed.class: unknown class ${JSON.stringify(of)}; expected one of ${known}` })
    }
    return { reports, end: { _tag: "Failed", class: of, message } }
  }
  return { reports, end: null }
}

export const encodeHeard = ({ state, objective, stop }: Heard): wire.TellResponse => ({
  state,
  objective: objective ?? undefined,
  stop: stop ?? undefined,
})

/** Throws a WireError. */
export const decodeHeard = ({ state, objective, stop }: wire.TellResponse): Heard => {
  if (!(trialStates as ReadonlyArray<string>).includes(state)) {
    throw new WireError({ message: `state: unknown value ${JSON.stringify(state)}` })
  }
  return { state: state as TrialState, objective: objective ?? null, stop: stop ?? null }
}
