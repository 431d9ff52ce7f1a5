// What can be asked of the page's server: each path with the role that it needs, which is the one that the command needs.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type SweepId, type TrialNumber, parseRef } from "@sweep/domain/Id"
import type { Role } from "@sweep/domain/Role"
import { Parameters } from "@sweep/domain/Parameter"
import type { SweepState } from "@sweep/domain/SweepState"
import { NotFound, Refused, SweepApi } from "@sweep/protocol/SweepApi"
import { followSweep, type Send } from "./follow.ts"
import { hostRow, inBoth, listRow, trialDetail } from "./views.ts"

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
  | (Common & {
      readonly _tag: "Download"
      readonly file: Effect.Effect<
        { readonly name: string; readonly bytes: number; readonly content: Stream.Stream<Uint8Array, unknown> },
        unknown,
        SweepApi
      >
    })
  | (Common & { readonly _tag: "Act"; readonly act: (body: unknown) => Effect.Effect<unknown, unknown, SweepApi> })

const logTail = 16_000
const mostPoints = 2_000
const mostMetrics = 1_000
const mostCurves = 400
/** Steps of a trial whose time is told; those between are on a line. */
const timeSteps = 48
const mostTimes = mostCurves * (timeSteps + 2)

const Control = Schema.Struct({
  action: Schema.Literals(["stop", "pause", "resume"]),
  trial: Schema.NullOr(Schema.Int),
})
const Clone = Schema.Struct({ trial: Schema.Int, changes: Parameters })
const Extend = Schema.Struct({ more: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })) })

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

interface CurvesAsked {
  /** Of all trials unless given. */
  readonly trials: ReadonlyArray<TrialNumber> | null
  readonly metric: string
  readonly points: number
  readonly timed: boolean
}

/** The names of all metrics, and the curves of one. */
const curvesOf = (id: SweepId, { trials, metric, points, timed }: CurvesAsked) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const { curves, sweep } = yield* api.results(id, {
      maxPoints: points,
      metrics: [metric],
      ...(trials === null ? {} : { trials }),
    })
    const of = curves.filter((one) => one.metric === metric && (trials === null || trials.includes(one.trial)))
    const numbers = of.map(({ trial }) => trial)
    return {
      metrics: yield* metricsOf(sweep),
      curves: of.map((curve) => ({
        trial: curve.trial,
        metric: curve.metric,
        steps: curve.points.map(({ step }) => step),
        values: curve.points.map(({ value }) => (Number.isFinite(value) ? value : null)),
      })),
      times: timed ? yield* timesOf(id, metric, numbers) : [],
    }
  })

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

const metricsOf = ({ id, trials }: SweepState) =>
  Effect.gen(function* () {
    const names = new Set(Array.from(trials.values()).flatMap(({ values }) => Object.keys(values)))
    // Before the first trial ends, only the points tell.
    if (names.size === 0) {
      const { rows } = yield* (yield* SweepApi).query(
        `SELECT DISTINCT metric FROM metrics WHERE sweep = ${quoted(id)}`,
        mostMetrics,
      )
      for (const [name] of rows) names.add(String(name))
    }
    return Array.from(names).toSorted()
  })

/** When a trial was at which step: seconds since its first point, at so many steps along it. */
const timesOf = (id: SweepId, metric: string, trials: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    if (trials.length === 0) return []
    const { rows } = yield* (yield* SweepApi).query(
      `WITH points AS (SELECT trial, step, epoch_ms(recorded_at) AS moment,
         max(step) OVER (PARTITION BY trial) AS final, min(epoch_ms(recorded_at)) OVER (PARTITION BY trial) AS began
       FROM metrics WHERE sweep = ${quoted(id)} AND metric = ${quoted(metric)} AND trial IN (${trials.join(", ")}))
       SELECT trial, step, (moment - began) / 1000.0 AS seconds FROM (
         SELECT *, row_number() OVER (PARTITION BY trial, floor(${timeSteps} * step / greatest(final, 1)) ORDER BY step) AS n
         FROM points) WHERE n = 1 ORDER BY trial, step`,
      mostTimes,
    )
    return Array.from(
      Map.groupBy(rows, ([trial]) => Number(trial)),
      ([trial, of]) => ({
        trial,
        steps: of.map(([, step]) => Number(step)),
        seconds: of.map(([, , at]) => Number(at)),
      }),
    )
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
    const results = yield* api.results(id, { maxPoints: 4, trials: [number], metrics: [] })
    const files = yield* api.artifacts(id, number)
    return {
      ...trialDetail(trial, Date.now()),
      samples: (results.details.find((one) => one.trial === number)?.samples ?? []).slice(-20),
      attempts: results.attempts
        .filter((one) => one.trial === number)
        .map((one) => ({ ...one, cause: inBoth(one.cause) })),
      files: files.map(({ path, bytes, epoch }) => ({ path, bytes, epoch })),
      stdout: yield* tailOf(id, number, "stdout"),
      stderr: yield* tailOf(id, number, "stderr"),
    }
  })

const isTrialNumber = (value: number): value is TrialNumber => Number.isInteger(value) && value > 0

/** One that is kept, by the name it has; anything else there is not. */
const fileOf = (id: SweepId, trial: TrialNumber, epoch: number, path: string) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const files = yield* api.artifacts(id, trial)
    const found = files.find((one) => one.path === path && one.epoch === epoch)
    if (found === undefined) return yield* new NotFound({ message: "no such file is kept of this trial", known: [] })
    return {
      name: `${id}-${trial}-${path.replaceAll("/", "-")}`,
      bytes: found.bytes,
      content: api.fetchArtifact(id, found, 0),
    }
  })

/** So many trials more, as `sweep extend --trials +N`. */
const extend = (id: SweepId, body: unknown) =>
  Effect.gen(function* () {
    const { more } = yield* Schema.decodeUnknownEffect(Extend)(body)
    const api = yield* SweepApi
    const state = yield* api.get(id)
    if (state.spec.source.text === "") {
      return yield* new Refused({ message: `${id} was not made from a file: sweep extend ${id} FILE` })
    }
    const { reviseSweep } = yield* Effect.promise(() => import("@sweep/sweepfile/reviseSweep"))
    const { renderProblems } = yield* Effect.promise(() => import("@sweep/sweepfile/renderProblems"))
    const spec = yield* reviseSweep(state.spec, { parameters: {}, budget: { trials: state.trials.size + more } }).pipe(
      Effect.catchTag("SpecErrors", ({ problems, text }) =>
        Effect.fail(new Refused({ message: renderProblems(problems, text) })),
      ),
    )
    return { revision: yield* api.extend(id, spec, state.revision) }
  }).pipe(Effect.provide(NodeServices.layer))

/** `undefined`: there is no such thing. */
export const requestOf = (method: string, url: URL): Asked | undefined => {
  const path = url.pathname
  if (path === "/api/events" && method === "GET") {
    return { _tag: "Stream", needs: "read", what: "events", follow: (send) => followAll(send) }
  }
  const match = /^\/api\/sweeps\/([^/]+)(?:\/trials\/([^/]+))?\/(events|curves|detail|file|control|clone|extend)$/.exec(
    path,
  )
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
    const asked = url.searchParams.get("trials")
    const numbers = (asked ?? "").split(",").map(Number).filter(isTrialNumber).slice(0, mostCurves)
    const read = curvesOf(sweep, {
      trials: trial !== undefined ? [trial] : asked === null ? null : numbers,
      metric: url.searchParams.get("metric") ?? "",
      points,
      timed: url.searchParams.get("x") === "time",
    })
    return { _tag: "Read", needs: "read", what, read }
  }
  if (method === "GET" && what === "detail" && trial !== undefined) {
    return { _tag: "Read", needs: "read", what, read: trialView(sweep, trial) }
  }
  if (method === "GET" && what === "file" && trial !== undefined) {
    const [path, epoch] = [url.searchParams.get("path") ?? "", Number(url.searchParams.get("epoch"))]
    return { _tag: "Download", needs: "read", what, file: fileOf(sweep, trial, epoch, path) }
  }
  if (method === "POST" && what === "control") {
    const act = (body: unknown) =>
      Effect.gen(function* () {
        const { action, trial: one } = yield* Schema.decodeUnknownEffect(Control)(body)
        yield* (yield* SweepApi).control(sweep, one as TrialNumber | null, action, { _tag: "FromPage" })
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
  if (method === "POST" && what === "extend")
    return { _tag: "Act", needs: "submit", what, act: (body) => extend(sweep, body) }
  return undefined
}
