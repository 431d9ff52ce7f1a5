// What the repository and its pages show as sweep files is read: every file of sweeps/, and every block of the pages for
// beginners that has `parameters` in it.
import { NodeServices } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { loadSweep } from "../src/parse/loadSweep.ts"

const root = join(import.meta.dirname, "../../..")

const problemsOf = async (text: string, folder: string, name: string) => {
  const workDirectory = mkdtempSync(join(tmpdir(), "sweep-pages-"))
  onTestFinished(() => rmSync(workDirectory, { recursive: true, force: true }))
  const options = { path: name, absolutePath: join(folder, name), calledFrom: folder, workDirectory }
  const read = await Effect.runPromise(Effect.result(loadSweep(text, options)).pipe(Effect.provide(NodeServices.layer)))
  return read._tag === "Failure" ? read.failure.problems.map(({ message }) => message) : []
}

describe("files that are shown", () => {
  const files = readdirSync(join(root, "sweeps")).filter((name) => name.endsWith(".yaml"))
  it.each(files)("sweeps/%s is a sweep file, and the gallery has it", async (name) => {
    expect(await problemsOf(readFileSync(join(root, "sweeps", name), "utf8"), join(root, "sweeps"), name)).toEqual([])
    for (const page of ["examples.md", "examples.zh-CN.md"]) {
      expect(readFileSync(join(root, "docs", page), "utf8")).toContain(`](../sweeps/${name})`)
    }
  })

  const blocks = ["examples.md", "examples.zh-CN.md", "migration.md", "migration.zh-CN.md"].flatMap((page) =>
    Array.from(
      readFileSync(join(root, "docs", page), "utf8").matchAll(/```yaml\n([\s\S]*?)```/g),
      (match, i) => [page, i, match[1]!] as const,
    ),
  )
  it.each(blocks)("%s, block %i", async (_, __, text) => {
    const folder = mkdtempSync(join(tmpdir(), "sweep-pages-"))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    mkdirSync(join(folder, "data"))
    for (const name of ["train.py", "parabola.awk"]) writeFileSync(join(folder, name), "")
    writeFileSync(
      join(folder, "qwen_lora_sft.yaml"),
      `model_name_or_path: Qwen/Qwen2.5-0.5B-Instruct\nstage: sft\nfinetuning_type: lora\ntemplate: qwen\ndataset: a\ndataset_dir: ${folder}/data\n`,
    )
    writeFileSync(join(folder, "data/dataset_info.json"), '{"a": {"file_name": "a.json"}}')
    const record = (i: number) => ({ instruction: `question ${i}`, output: `answer ${i}` })
    writeFileSync(join(folder, "data/a.json"), JSON.stringify(Array.from({ length: 20 }, (_, i) => record(i))))
    expect(await problemsOf(text, folder, "shown.yaml")).toEqual([])
  })
})
