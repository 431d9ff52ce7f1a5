import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { lacking, peft } from "../src/sweep/Backend.ts"
import { decayShare } from "../src/sweep/beginning.ts"
import { changeableInTraining } from "../src/sweep/population.ts"

const root = join(import.meta.dirname, "../../..")

it("declares exactly what the PEFT trainer says it can run", () => {
  const python = process.env["SWEEP_PYTHON"] ?? join(root, ".venv/bin/python")
  expect(existsSync(python), `${python} is missing: run ./sweep --version once`).toBe(true)
  const described = JSON.parse(
    execFileSync(python, ["-m", "sweep_trainer", "describe"], {
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: join(root, "agents/trainer/src") },
    }),
  ) as {
    readonly axes: Record<string, Record<string, { readonly ok: boolean }>>
    readonly changes_in_training: ReadonlyArray<string>
    readonly decay_share: number
  }
  expect(described.changes_in_training).toEqual(changeableInTraining)
  expect(described.decay_share).toBe(decayShare)
  for (const axis of ["adapter", "quantization", "objective", "post"] as const) {
    const able = Object.entries(described.axes[axis]!).flatMap(([value, { ok }]) => (ok ? [value] : []))
    expect(able.toSorted(), axis).toEqual(peft[axis].toSorted())
  }
})

it("names the axes a backend lacks", () => {
  const config = {
    adapter: { type: "lora" },
    quantization: { type: "awq" },
    objective: { type: "sft" },
    post: { type: "none" },
  }
  expect(lacking(peft, config as never)).toEqual(["quantization awq"])
})
