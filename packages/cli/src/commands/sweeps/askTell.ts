// `sweep ask-tell`: ask and tell over one connection, for a program that stays. Owns the lines on standard input and output
// (docs/control.md); each is answered by one line, in order.
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import type { SweepId } from "@sweep/domain/Id"
import { TrialNumber } from "@sweep/domain/Id"
import { FailureClass, metricNumber, Values } from "@sweep/domain/TrialEvent"
import { SweepApi, type Told } from "@sweep/protocol/SweepApi"
import { Failure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { printJson } from "../../output.ts"
import { refuseSecretsIn } from "../../running/refuseSecrets.ts"
import { explainApi, withApi } from "../../serving/access.ts"

const Line = Schema.Union([
  Schema.Struct({ type: Schema.Literal("ask") }),
  Schema.Struct({
    type: Schema.Literal("tell"),
    trial: TrialNumber,
    reports: Schema.optionalKey(Schema.Array(Schema.Struct({ step: Schema.Finite, values: Values }))),
    /** Of the sweep's metric. */
    value: Schema.optionalKey(Schema.NullOr(Values.value)),
    finished: Schema.optionalKey(Schema.NullOr(Values)),
    failed: Schema.optionalKey(Schema.NullOr(Schema.Struct({ class: FailureClass, message: Schema.String }))),
  }),
])
type Tell = Extract<typeof Line.Type, { readonly type: "tell" }>

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Line))

const numbers = (values: typeof Values.Type): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, metricNumber(value)]))

const endOf = Effect.fnUntraced(function* (sweep: SweepId, line: Tell) {
  const { value = null, finished = null, failed = null } = line
  if (failed !== null) return { _tag: "Failed", ...failed } satisfies Told["end"]
  if (value === null && finished === null) return null
  const others = numbers(finished ?? {})
  if (value === null) return { _tag: "Finished", values: others } satisfies Told["end"]
  const { name } = (yield* (yield* SweepApi).get(sweep)).spec.metric
  return { _tag: "Finished", values: { ...others, [name]: metricNumber(value) } } satisfies Told["end"]
})

const answer = Effect.fnUntraced(function* (sweep: SweepId, text: string) {
  const api = yield* SweepApi
  const line = yield* decode(text).pipe(
    Effect.mapError((error) => new Failure({ text: `ask-tell: ${error.message.replace(/\s+/g, " ")}`, exitCode: 65 })),
  )
  if (line.type === "ask") {
    const asked = yield* api.ask(sweep)
    if (asked._tag !== "Trial") {
      return { sweep, trial: null, ended: asked._tag === "Ended" ? asked.reason : null }
    }
    const { trial, parameters, seed, attempt } = asked
    return { sweep, trial, parameters, seed, attempt }
  }
  yield* refuseSecretsIn("message", line.failed?.message ?? "")
  const reports = (line.reports ?? []).map(({ step, values }) => ({ step, values: numbers(values) }))
  const heard = yield* api.tell(sweep, line.trial, { reports, end: yield* endOf(sweep, line) })
  return { sweep, trial: line.trial, ...heard }
})

export const askTell = Command.make(
  "ask-tell",
  { sweep: flags.sweep, coordinator: flags.coordinator },
  ({ sweep, coordinator }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      yield* (yield* SweepApi).get(id)
      yield* printJson({ sweep: id })
      const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
      for (;;) {
        const { done, value: text } = yield* Effect.promise(() => lines.next())
        if (done === true) return
        const said = yield* Effect.result(explainApi(answer(id, text)))
        if (said._tag === "Success") yield* printJson(said.success)
        // A mistake in one line is the answer to it; a coordinator that is gone ends the command.
        else if (said.failure.exitCode === 65) yield* printJson({ error: said.failure.text })
        else return yield* said.failure
      }
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Ask and tell over one connection: a line of JSON in, a line out, until standard input ends"),
  Command.withExamples([
    {
      command: "sweep ask-tell mine",
      description: 'Reads {"type":"ask"} and {"type":"tell","trial":1,"value":0.42}; Python has sweep.ask_tell("mine")',
    },
  ]),
)
