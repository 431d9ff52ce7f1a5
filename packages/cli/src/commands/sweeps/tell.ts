import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { formatTrialRef } from "@sweep/domain/Id"
import { FailureClass } from "@sweep/domain/TrialEvent"
import { SweepApi, type Told } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { refuseSecretsIn } from "../../running/refuseSecrets.ts"
import { print, printJson } from "../../output.ts"
import { number } from "../../terminal/format.ts"

const value = Flag.String("value").pipe(
  Flag.withMetavar("NUMBER"),
  Flag.withDescription("It has finished, with this value of the sweep's metric"),
  Flag.optional,
)
const metric = Flag.KeyValuePair("metric").pipe(
  Flag.withMetavar("NAME=NUMBER"),
  Flag.withDescription("With --value or --finished: another value it ended with"),
  Flag.withDefault({}),
)
const finished = Flag.Boolean("finished").pipe(
  Flag.withDescription("It has finished; its reports say with which value"),
  Flag.withDefault(false),
)
const failed = Flag.Boolean("failed").pipe(Flag.withDescription("It has failed"), Flag.withDefault(false))
const failure = Flag.Literals("class", FailureClass.literals).pipe(
  Flag.withDescription("With --failed: what kind of failure"),
  Flag.withDefault("bug"),
)
const message = Flag.String("message").pipe(
  Flag.withDescription("With --failed: what happened"),
  Flag.withDefault("its program said that it failed"),
)
const report = Flag.KeyValuePair("report").pipe(
  Flag.withMetavar("NAME=NUMBER"),
  Flag.withDescription("Values on the way: step=N and at least one metric"),
  Flag.withDefault({}),
)

const readNumber = (flag: string, text: string) => {
  const read = /^nan$/i.test(text) ? Number.NaN : text.trim() === "" ? undefined : Number(text)
  return read === undefined || (Number.isNaN(read) && !/^nan$/i.test(text))
    ? Effect.fail(badInput(`${flag}: '${text}' is not a number.`))
    : Effect.succeed(read)
}

const readNumbers = (flag: string, given: Readonly<Record<string, string>>) =>
  Effect.map(
    Effect.forEach(Object.entries(given), ([name, text]) =>
      Effect.map(readNumber(`${flag} ${name}`, text), (read) => [name, read] as const),
    ),
    Object.fromEntries<number>,
  )

export const tell = Command.make(
  "tell",
  {
    trial: flags.trial,
    value,
    metric,
    finished,
    failed,
    class: failure,
    message,
    report,
    coordinator: flags.coordinator,
    json: flags.json,
  },
  ({ trial, coordinator, json, ...given }) =>
    Effect.gen(function* () {
      const ref = yield* flags.trialRef(trial)
      const { step, ...values } = yield* readNumbers("--report", given.report)
      const reporting = Object.keys(given.report).length > 0
      if (reporting && (step === undefined || Object.keys(values).length === 0)) {
        return yield* badInput("--report names a step and at least one metric: --report step=10 --report loss=0.52")
      }
      const told = Option.getOrUndefined(given.value)
      if ([told !== undefined, given.finished, given.failed].filter(Boolean).length > 1) {
        return yield* badInput("--value, --finished and --failed exclude each other: a trial ends in one way.")
      }
      if (!reporting && told === undefined && !given.finished && !given.failed) {
        return yield* badInput(
          "Say how the trial ended (--value, --finished, --failed) or what it has so far (--report).",
        )
      }
      yield* refuseSecretsIn("--message", given.message)
      const api = yield* SweepApi
      const others = yield* readNumbers("--metric", given.metric)
      const name = told === undefined ? "" : (yield* api.get(ref.sweep)).spec.metric.name
      const end: Told["end"] = given.failed
        ? { _tag: "Failed", class: given.class, message: given.message }
        : told !== undefined
          ? { _tag: "Finished", values: { ...others, [name]: yield* readNumber("--value", told) } }
          : given.finished
            ? { _tag: "Finished", values: others }
            : null
      const heard = yield* api.tell(ref.sweep, ref.trial, { reports: reporting ? [{ step: step!, values }] : [], end })
      if (json) return yield* printJson({ ...ref, ...heard })
      const result = heard.objective === null ? "" : `, ${number(heard.objective)}`
      yield* print(
        `${formatTrialRef(ref)}: ${heard.state}${result}${heard.stop === null ? "" : `; end it: ${heard.stop}`}`,
      )
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Say how a trial that was asked for goes, or how it ended"),
  Command.withExamples([
    { command: "sweep tell mine/3 --value 0.42", description: "It has finished with this value of the metric" },
    {
      command: "sweep tell mine/3 --report step=10 --report loss=0.52 --json",
      description: "So far; 'stop' in the answer says why to end it early",
    },
    { command: "sweep tell mine/3 --failed --class oom", description: "The sampler stays away from there" },
  ]),
)
