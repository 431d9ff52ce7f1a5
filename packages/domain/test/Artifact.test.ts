import { resolve } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Schema from "effect/Schema"
import { ArtifactPath, checkpointStep, keptFiles, newestCheckpoint } from "../src/trial/Artifact.ts"
import { fuzzRuns } from "./fuzzRuns.ts"

const runs = fuzzRuns(3_000)

const isPath = Schema.is(ArtifactPath)

describe("the path of a file of a trial", () => {
  it.each(["adapter/adapter_model.safetensors", "checkpoints/step-00000012/manifest.json", "a", "adapter/a b+c=1@2.x"])(
    "may be %s",
    (path) => expect(isPath(path)).toBe(true),
  )
  it.each([
    "",
    "/etc/passwd",
    "../x",
    "adapter/../../x",
    "adapter/./x",
    "adapter//x",
    "adapter/",
    ".hidden",
    "adapter/.hidden",
    "adapter\\x",
    "C:/x",
    "adapter/\u001b[2J",
    "adapter/x\n",
    "adapter/<b>",
    `adapter/${"x".repeat(500)}`,
    Array.from({ length: 17 }, () => "a").join("/"),
  ])("may not be %j", (path) => expect(isPath(path)).toBe(false))

  it("leads nowhere but below the directory it is joined to, whatever it is", () => {
    const piece = fc.constantFrom(
      ..."/\\.:;%~ \0\n-aA0",
      "..",
      "/../",
      "%2e%2e%2f",
      "C:",
      "\u2024",
      "\u2215",
      "\u202e",
      "a/b",
    )
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")),
    )
    fc.assert(
      fc.property(text, (path) => {
        if (!isPath(path)) return
        const joined = resolve("/kept/here", path)
        expect(joined).toBe(`/kept/here/${path}`)
      }),
      runs,
    )
  })
})

describe("what is kept of a trial", () => {
  const files = [
    "adapter/adapter_config.json",
    "adapter/adapter_model.safetensors",
    "checkpoints/step-00000004/manifest.json",
    "checkpoints/step-00000010/manifest.json",
    "checkpoints/step-00000010/state.pt",
  ].map((path) => ({ path }))
  const [config, model, first, manifest, last] = files

  it("the newest checkpoint is that of the most steps which is whole", () => {
    expect(newestCheckpoint([first!, last!])).toEqual([first])
    expect(newestCheckpoint([{ path: "checkpoints/step-00000010/adapter/manifest.json" }])).toEqual([])
    expect(checkpointStep("checkpoints/step-00000010/state.pt")).toBe(10)
    expect(checkpointStep("adapter/step-00000010/state.pt")).toBe(null)
    expect(newestCheckpoint(files)).toEqual([manifest, last])
    expect(newestCheckpoint([config!])).toEqual([])
  })
  it.each([
    ["best", true, [config, model]],
    ["best", false, [first, manifest, last]],
    ["last", true, [config, model, manifest, last]],
    ["last", false, [first, manifest, last]],
    ["all", true, [config, model, first, manifest, last]],
    ["all", false, [first, manifest, last]],
    ["none", true, []],
    ["none", false, []],
  ] as const)("by the rule %s, ended: %s", (rule, ended, kept) => {
    expect(keptFiles(rule, files, ended)).toEqual(kept)
  })
})
