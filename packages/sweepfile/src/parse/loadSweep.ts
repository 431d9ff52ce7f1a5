// A sweep file's text → its spec: parse, then resolve.
import * as Effect from "effect/Effect"
import { parseSweepFile, type ParsedSweep } from "./parseSweepFile.ts"
import { type ResolvedSweep, resolveSweep, type ResolveOptions } from "../resolve/resolveSweep.ts"

export interface LoadedSweep extends ResolvedSweep {
  /** Knows where everything stands in the file. */
  readonly parsed: ParsedSweep
}

export const loadSweep = Effect.fn("loadSweep")(function* (
  text: string,
  options: ResolveOptions & {
    /** As the person wrote it; problems name it. */
    readonly path: string
  },
) {
  const parsed = yield* parseSweepFile(text, options.path)
  const { spec, warnings } = yield* resolveSweep(parsed, options)
  return { parsed, spec, warnings } satisfies LoadedSweep
})
