// A sweep's own file with a few keys set again: what `sweep extend --trials --set` makes of it. Owns where in the file a
// parameter stands, and that it keeps its condition; the result is read as any sweep file is, so that mistakes get their
// place in it.
import { SweepSpec } from "@sweep/domain/SweepSpec"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import { type Document, isMap, isScalar, isSeq, parseDocument, YAMLMap } from "yaml"
import { checkModelFit, mayMisfit } from "./checkModelFit.ts"
import { modelLayers } from "./modelLayers.ts"
import { placePublished } from "./placePublished.ts"
import { parseSweepFile } from "../parse/parseSweepFile.ts"
import { type SpecErrors, specErrors } from "../parse/SpecProblem.ts"

export interface Changes {
  /** By name, as YAML: `[4, 8, 16]`, `{min: 1.0e-5, max: 1.0e-3}`, `8`. */
  readonly parameters: Readonly<Record<string, string>>
  /** By their keys in the file. */
  readonly budget: Readonly<Partial<Record<"trials" | "hours" | "gpu_hours", number>>>
}

/** Of `optimizer.lr`: under its own name, or nested in the group `optimizer`. */
const pathOf = (document: Document, name: string): ReadonlyArray<string> => {
  const whole = ["parameters", name]
  const nested = name.split(".").flatMap((part) => ["parameters", part])
  return !document.hasIn(whole) && document.hasIn(nested) ? nested : whole
}

const setParameter = (document: Document, name: string, text: string): void => {
  const path = pathOf(document, name)
  const before = document.getIn(path)
  const given = parseDocument(text).contents
  const kept = isMap(before) ? ["when", "prior"].filter((key) => before.has(key)) : []
  if (kept.length === 0) return document.setIn(path, given)
  const after = isMap<string>(given) ? given : new YAMLMap<string>()
  if (isSeq(given)) after.set("values", given)
  if (isScalar(given)) after.set("value", given)
  for (const key of kept) if (!after.has(key)) after.set(key, document.getIn([...path, key], true))
  document.setIn(path, after)
}

/** Fails with every mistake, placed in the changed text; new values have to fit the model, where its folder is here. */
export const reviseSweep = Effect.fn("reviseSweep")(function* (spec: SweepSpec, changes: Changes) {
  const document = parseDocument(spec.source.text)
  for (const [name, text] of Object.entries(changes.parameters)) setParameter(document, name, text)
  for (const [key, value] of Object.entries(changes.budget)) {
    if (key === "trials") document.delete("run_cap")
    if (!isMap(document.get("budget"))) document.set("budget", document.createNode({}))
    document.setIn(["budget", key], value)
  }
  const text = document.toString({ lineWidth: 0 })
  const parsed = yield* parseSweepFile(text, spec.source.path)
  if (spec.trainer === "peft" && Object.keys(changes.parameters).length > 0 && mayMisfit(parsed)) {
    checkModelFit(parsed, yield* modelLayers(spec.model))
    if (parsed.source.errors.length > 0) return yield* specErrors(parsed.source.errors, text)
  }
  const { budget, groups } = parsed.draft
  const { train } = spec.data
  const space = placePublished(parsed.read, { model: spec.model, records: train.path === "" ? null : train.records })
  const { groups: _, ...rest } = spec
  return new SweepSpec({
    ...rest,
    space,
    budget,
    ...(groups === undefined ? {} : { groups }),
    source: { path: spec.source.path, text },
  })
}) satisfies (
  spec: SweepSpec,
  changes: Changes,
) => Effect.Effect<SweepSpec, SpecErrors, FileSystem.FileSystem | Path.Path>
