// W&B sweep files as people write them: each decodes to the golden spec beside it.
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parseSweepFile } from "../src/parse/parseSweepFile.ts"

const folder = join(import.meta.dirname, "wandb")
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"))

describe("W&B sweep files", () => {
  it("are at least thirty", () => expect(files.length).toBeGreaterThanOrEqual(30))

  it.each(files)("%s", async (name) => {
    const text = readFileSync(join(folder, name), "utf8")
    const parsed = await Effect.runPromise(parseSweepFile(text, name))
    const seen = {
      ...parsed.draft,
      program: parsed.program?.value ?? null,
      warnings: parsed.warnings.map(({ line, column, message }) => `${line}:${column}: ${message}`),
    }
    await expect(`${JSON.stringify(seen, null, 2)}\n`).toMatchFileSnapshot(
      join(import.meta.dirname, "golden", "wandb", name.replace(".yaml", ".json")),
    )
  })
})
