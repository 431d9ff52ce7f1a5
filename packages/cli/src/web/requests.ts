// What can be asked of the page's server: each path with the role that it needs, which is the one that the command needs.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type SweepId, type TrialNumber, parseRef } from "@sweep/domain/Id"
import type { Role } from "@sweep/domain/Role"
import { Parameters } from "@sweep/domain/Parameter"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { followSweep, type Send } from "./follow.ts"
import { hostRow, listRow, trialDetail } from "./views.ts"

interface Common {
  readonly needs: Role
  /** For the audit log. */
  readonly what: string
}
export type Asked =
  | (Common & {
      readonly _tag: "Stream"
      readonly follow: (send: Send, known: string | undefined) => Effect.Effect<void, unknown, SweepApi>
    })
  | (Common & { readonly _tag: "Read"; readonly read: Effect.Effect<unknown, unknown, SweepApi> })
  | (Common & { readonly _tag: "Act"; readonly act: (body: unknown) => Effect.Effect<unknown, unknown, SweepApi> })

const logTail = 16_000
const mostPoints = 2_000

const Control = Schema.Struct({
  action: Schema.Literals(["stop", "pause", "resume"]),
  trial: Schema.NullOr(Schema.Int),
})
const Clone = Schema.Struct({ trial: Schema.Int, changes: Parameters })

/** The list of sweeps and the hosts, whenever they change. */
const followAll = (send: Send) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    let last = ""
    for (;;) {
      const sweeps = yield* api.list
      const { version, agents } = yield* api.status
      const view = { sweeps: sweeps.map((sweep) => listRow(sweep, Date.now())), hosts: agents.map(hostRow), version }
      const text = JSON.stringify(view, (key, value: unknown) => (key === "used" ? undefined : value))
      if (text !== last) send("all", view)
      last = text
      yield* Effect.sleep("1 second")
    }
  })

const curvesOf = (id: SweepId, trial: number | null, metric: string | null, points: number) =>
  Effect.gen(function* () {
    const { curves } = yield* (yield* SweepApi).results(id, { maxPoints: points })
    const of = curves.filter((curve) => trial === null || curve.trial === trial)
    return {
      metrics: Array.from(new Set(of.map((curve) => curve.metric))).toSorted(),
      curves: of
        .filter((curve) => metric === null || curve.metric === metric)
        .map((curve) => ({
          trial: curve.trial,
          metric: curve.metric,
          steps: curve.points.map(({ step }) => step),
          values: curve.points.map(({ value }) => (Number.isFinite(value) ? value : null)),
        })),
    }
  })

const tailOf = (id: SweepId, trial: TrialNumber, stream: "stdout" | "stderr") =>
  Effect.flatMap(SweepApi, (api) =>
    api.logs(id, trial, { stream, follow: false }).pipe(
      Stream.runFold(
        () => "",
        (kept: string, chunk) => (kept + chunk).slice(-logTail),
      ),
    ),
  )

const trialView = (id: SweepId, number: TrialNumber) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const { trials } = yield* api.get(id)
    const trial = trials.get(number)
    if (trial === undefined) return null
    const results = yield* api.results(id, { maxPoints: 4 })
    return {
      ...trialDetail(trial, Date.now()),
      samples: (results.details.find((one) => one.trial === number)?.samples ?? []).slice(-20),
      attempts: results.attempts.filter((one) => one.trial === number),
      stdout: yield* tailOf(id, number, "stdout"),
      stderr: yield* tailOf(id, number, "stderr"),
    }
  })

/** `undefined`: there is no such thing. */
export const requestOf = (method: string, url: URL): Asked | undefined => {
  const path = url.pathname
  if (path === "/api/events" && method === "GET") {
    return { _tag: "Stream", needs: "read", what: "events", follow: (send) => followAll(send) }
  }
  const match = /^\/api\/sweeps\/([^/]+)(?:\/trials\/([^/]+))?\/(events|curves|detail|control|clone)$/.exec(path)
  if (match === null) return undefined
  const ref = parseRef(match[2] === undefined ? match[1]! : `${match[1]}/${match[2]}`)
  if (ref === undefined) return undefined
  const { sweep, trial } = ref
  const what = match[3]!
  if (method === "GET" && what === "events") {
    return { _tag: "Stream", needs: "read", what, follow: (send, known) => followSweep(sweep, known, send) }
  }
  if (method === "GET" && what === "curves") {
    const points = Math.min(mostPoints, Math.max(4, Number(url.searchParams.get("points")) || 300))
    const read = curvesOf(sweep, trial ?? null, url.searchParams.get("metric"), points)
    return { _tag: "Read", needs: "read", what, read }
  }
  if (method === "GET" && what === "detail" && trial !== undefined) {
    return { _tag: "Read", needs: "read", what, read: trialView(sweep, trial) }
  }
  if (method === "POST" && what === "control") {
    const act = (body: unknown) =>
      Effect.gen(function* () {
        const { action, trial: one } = yield* Schema.decodeUnknownEffect(Control)(body)
        yield* (yield* SweepApi).control(sweep, one as TrialNumber | null, action, "from the page")
        return { done: action }
      })
    return { _tag: "Act", needs: "submit", what, act }
  }
  if (method === "POST" && what === "clone") {
    const act = (body: unknown) =>
      Effect.gen(function* () {
        const { trial: one, changes } = yield* Schema.decodeUnknownEffect(Clone)(body)
        return { trials: yield* (yield* SweepApi).clone(sweep, one as TrialNumber, changes) }
      })
    return { _tag: "Act", needs: "submit", what, act }
  }
  return undefined
}
