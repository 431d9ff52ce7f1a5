// `sweep run` through a coordinator that is there already: submit, follow, and leave at Ctrl-C without ending anything.
import * as Effect from "effect/Effect"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { formatAddress } from "@sweep/grpc/address"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, type Found, remoteApi } from "../serving/access.ts"
import { home } from "../serving/home.ts"
import { sendSnapshot } from "./snapshot/sendSnapshot.ts"
import { takeSnapshot } from "./snapshot/takeSnapshot.ts"
import { bytes as sizeText } from "../terminal/format.ts"
import { finishRun } from "./finishRun.ts"
import { note, print, printJson } from "../output.ts"
import { follow } from "../terminal/follow.ts"
import { whoIsMissing } from "./whoIsMissing.ts"

const noteWhoIsMissing = Effect.fnUntraced(function* (spec: SweepSpec) {
  const missing = whoIsMissing(spec, (yield* (yield* SweepApi).status).agents)
  if (missing !== null) yield* note(missing)
})

/** The spec with its source snapshot, once that is with the coordinator. */
const withSources = Effect.fnUntraced(function* (spec: SweepSpec, limit: number) {
  if (spec.trainer === "external") return spec
  const taken = yield* takeSnapshot(spec, { limit, excluded: [(yield* home).directory] })
  if (taken === undefined) return spec
  for (const warning of taken.warnings) yield* note(`warning: ${warning}`)
  const { snapshot } = taken
  const { files, bytes } = yield* sendSnapshot(taken)
  yield* note(
    files === 0
      ? `source snapshot ${snapshot.sha256.slice(0, 12)}: ${snapshot.files} files, all with the coordinator already`
      : `source snapshot ${snapshot.sha256.slice(0, 12)}: ${snapshot.files} files, ${sizeText(snapshot.bytes)}; sent ${sizeText(bytes)}`,
  )
  return new SweepSpec({ ...spec, snapshot })
})

export const runThere = (
  spec: SweepSpec,
  found: Found,
  options: {
    readonly json: boolean
    readonly detach: boolean
    /** Bytes of source that are sent, at most; `null`: the agents' hosts have the same paths, and nothing is. */
    readonly sourceLimit: number | null
  },
) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const id = yield* api.submit(options.sourceLimit === null ? spec : yield* withSources(spec, options.sourceLimit))
    yield* noteWhoIsMissing(spec)
    const comeBack = `sweep watch ${id} --coordinator ${formatAddress(found.address)}${found.accessFile === undefined ? "" : ` --access ${found.accessFile}`}`
    if (options.detach) {
      return yield* options.json ? printJson({ sweep: id }) : print(`${id} was submitted. Watch it: ${comeBack}`)
    }
    yield* follow(api.watch(id), {
      out: options.json ? process.stderr : process.stdout,
      hint: "Ctrl-C leaves; the sweep continues.",
      waits: true,
    }).pipe(Effect.onInterrupt(() => note(`\n${id} continues without this command. Come back: ${comeBack}`)))
    yield* finishRun(id, options)
  }).pipe(Effect.provide(remoteApi(found)), explainApi)
