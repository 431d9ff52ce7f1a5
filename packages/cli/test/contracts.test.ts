// The comparison that `npm run check` makes with the last release finds what would break a program of that release.
import { describe, expect, it } from "vitest"
// @ts-expect-error a script without types
import { readProblems } from "../../../scripts/schemaProblems.mjs"

const problems = readProblems as (older: unknown, newer: unknown) => ReadonlyArray<string>

const one = (tag: string, properties: Record<string, unknown>, required: ReadonlyArray<string> = []) => ({
  type: "object",
  properties: { _tag: { type: "string", enum: [tag] }, ...properties },
  required: ["_tag", ...required],
  additionalProperties: true,
})
const either = (...anyOf: ReadonlyArray<unknown>) => ({ anyOf })

const released = either(
  one("A", { at: { type: "integer" }, why: { type: "string", enum: ["x", "y"] } }, ["at"]),
  one("B", {}),
)

describe("what was written before", () => {
  it.each([
    ["the same", released, []],
    [
      "more kinds, more values, wider types and optional fields",
      either(
        one("C", {}),
        one("B", { note: { type: "string" } }),
        one("A", { at: { type: "number" }, why: { type: "string", enum: ["x", "y", "z"] } }, ["at"]),
      ),
      [],
    ],
    ["a kind less", either(one("A", { at: { type: "number" } }, ["at"])), ["it: B is gone"]],
    [
      "a required field more",
      either(one("A", { at: { type: "integer" } }, ["at"]), one("B", { by: { type: "string" } }, ["by"])),
      ["B.by: is required and was not"],
    ],
    [
      "a value less",
      either(one("A", { at: { type: "integer" }, why: { type: "string", enum: ["x"] } }, ["at"]), one("B", {})),
      ["A.why: y is no longer allowed"],
    ],
    [
      "another type",
      either(one("A", { at: { type: "string" } }, ["at"]), one("B", {})),
      ["A.at: was integer, is string"],
    ],
    [
      "a condition more",
      either(one("A", { at: { type: "integer", minimum: 0 } }, ["at"]), one("B", {})),
      ["A.at: minimum was open, is 0"],
    ],
  ])("is judged when the schema has %s", (_, newer, expected) => {
    expect(problems(released, newer)).toEqual(expected)
  })

  it("is compared through references, also of a schema to itself", () => {
    const tree = (leaf: unknown) => ({
      $ref: "#/$defs/Tree",
      $defs: { Tree: { type: "object", properties: { leaf, child: { $ref: "#/$defs/Tree" } }, required: ["leaf"] } },
    })
    expect(problems(tree({ type: "integer" }), tree({ type: "number" }))).toEqual([])
    expect(problems(tree({ type: "number" }), tree({ type: "integer" }))).toEqual(["it.leaf: was number, is integer"])
  })
})
