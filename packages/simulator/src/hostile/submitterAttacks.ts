// What an authorised submitter tries: to occupy the coordinator with a sweep file's expressions, to start programs where
// their owners did not allow it, and to falsify what others run.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { SearchSpace } from "@sweep/domain/SearchSpace"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent } from "@sweep/protocol/ScriptedAgent"
import { apiOf, type Attack, type Call, exchangeOf, refused, refusedCall, withSession } from "./attack.ts"

const attack = (what: string, run: Attack["run"]): Attack => ({ who: "submitter", what, run })

const spaceOf = (constraints: ReadonlyArray<string>, most = 1_000_000): SearchSpace =>
  Schema.decodeUnknownSync(SearchSpace)({
    dimensions: ["a", "b"].map((name) => ({
      name,
      distribution: { _tag: "IntUniform", min: 1, max: most },
      when: null,
      prior: null,
    })),
    derived: [],
    constraints,
  })

/** External, so that no agent gets its trials. */
const specOf = (change: Partial<SweepSpec>): SweepSpec => exampleSpec({ trainer: "external", command: null, ...change })

/** Sent directly, past the checks of the command: refused, or a sweep that occupies nobody. Gone afterwards. */
const submits = (what: string, spec: () => SweepSpec) =>
  attack(`submits ${what}`, (stage) =>
    Effect.gen(function* () {
      const api = yield* apiOf(stage, "mallory")
      const began = performance.now()
      const result = yield* Effect.result(api.submit(spec()))
      if (result._tag === "Success") {
        yield* Effect.ignore(api.ask(result.success))
        yield* Effect.ignore(api.control(result.success, null, "stop", said("over")))
      }
      const millis = performance.now() - began
      return millis < 10_000 ? null : `it occupied the coordinator for ${Math.round(millis / 1_000)} s`
    }),
  )

const zeros = (n: number) => `[${Array.from({ length: n }, () => 0).join(",")}]`
const nested = (depth: number): string =>
  depth === 0 ? "a < 0" : `${zeros(40)}.exists(x${depth}, ${nested(depth - 1)})`

const controls = (what: string, call: Call) => attack(what, refusedCall("mallory", call))

export const submitterAttacks: ReadonlyArray<Attack> = [
  submits("a constraint whose regular expression backtracks", () =>
    specOf({ space: spaceOf([`'${"a".repeat(60)}!'.matches('^(a+)+$')`]) }),
  ),
  submits("a constraint of nested loops", () => specOf({ space: spaceOf([nested(8)]) })),
  submits("a constraint whose text doubles", () =>
    specOf({ space: spaceOf([`['aaaaaaaa']${".map(x, x + x)".repeat(50)}[0] == ''`]) }),
  ),
  submits("a grid of 10^12 of which nothing satisfies the constraint", () =>
    specOf({ method: "grid", space: spaceOf(["a + b < 0"]) }),
  ),
  submits("a random search that nothing satisfies", () => specOf({ method: "random", space: spaceOf(["a + b < 0"]) })),
  submits("2,000 constraints", () =>
    specOf({ space: spaceOf(Array.from({ length: 2_000 }, (_, i) => `a + ${i} > b || true`)) }),
  ),
  submits("an expression of 100,000 characters", () =>
    specOf({ space: spaceOf([`a > 0${" && a > 0".repeat(12_000)}`]) }),
  ),
  submits("a trial of a billion devices", () => exampleSpec({ resources: { gpus: 1_000_000_000 } })),
  submits("5 MB of description", () => specOf({ description: "x".repeat(5_000_000) })),
  controls("falsifies the result of an agent's trial", (api, { finished: { sweep, trial } }) =>
    api.tell(sweep, trial, { reports: [], end: { _tag: "Finished", values: { loss: -1e9 } } } as never),
  ),
  controls("falsifies a running trial", (api, stage) =>
    Effect.flatMap(stage.running, ({ sweep, trial }) =>
      api.tell(sweep, trial, { reports: [{ step: 1, values: { loss: -1e9 } }], end: null }),
    ),
  ),
  controls("takes a trial of an agents' sweep for itself", (api, { finished: { sweep } }) => api.ask(sweep)),
  controls("removes a sweep that runs", (api, { finished: { sweep } }) => api.remove(sweep, { preview: false })),
  controls("extends from a revision that is not there", (api, { finished: { sweep } }) =>
    api.extend(sweep, exampleSpec(), 999),
  ),
  controls("clones a trial that is not there", (api, { finished: { sweep } }) =>
    api.clone(sweep, TrialNumber.make(999_999), {}),
  ),
  controls("stops a sweep that is not there", (api) =>
    api.control(SweepId.make("no-such-sweep"), null, "stop", said("evil")),
  ),
  attack("joins as an agent", (stage) =>
    Effect.gen(function* () {
      const posing = yield* withSession(stage, "mallory")(connectAgent({ id: "gpu1" }))
      const over = yield* posing.over
      return over !== "ended" && over._tag === "SessionRefused" ? null : `the session ended otherwise: ${String(over)}`
    }),
  ),
  attack("puts a file as an agent", (stage) =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf(stage, "mallory")
      return yield* refused(exchange.offer(stage.finished, [{ path: "adapter/x.json", bytes: 1 }]), /needs agent/)
    }),
  ),
]
