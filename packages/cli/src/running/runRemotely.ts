// `sweep run` through a coordinator that is there already: submit, follow, and leave at Ctrl-C without ending anything.
import * as Effect from "effect/Effect"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { formatAddress } from "@sweep/grpc/address"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, type Found, remoteApi } from "../serving/access.ts"
import { finishRun } from "./finishRun.ts"
import { note, print, printJson } from "../output.ts"
import { follow } from "../terminal/follow.ts"
import { whoIsMissing } from "./whoIsMissing.ts"

const noteWhoIsMissing = Effect.fnUntraced(function* (spec: SweepSpec) {
  const missing = whoIsMissing(spec, (yield* (yield* SweepApi).status).agents)
  if (missing !== null) yield* note(missing)
})

export const runThere = (
  spec: SweepSpec,
  found: Found,
  options: { readonly json: boolean; readonly detach: boolean },
) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const id = yield* api.submit(spec)
    yield* noteWhoIsMissing(spec)
    const comeBack = `sweep watch ${id} --coordinator ${formatAddress(found.address)}${found.accessFile === undefined ? "" : ` --access ${found.accessFile}`}`
    if (options.detach) {
      return yield* options.json ? printJson({ sweep: id }) : print(`${id} was submitted. Watch it: ${comeBack}`)
    }
    yield* follow(api.watch(id), {
      out: options.json ? process.stderr : process.stdout,
      hint: "Ctrl-C leaves; the sweep goes on.",
      waits: true,
    }).pipe(Effect.onInterrupt(() => note(`\n${id} goes on without this command. Come back: ${comeBack}`)))
    yield* finishRun(id, options)
  }).pipe(Effect.provide(remoteApi(found)), explainApi)
