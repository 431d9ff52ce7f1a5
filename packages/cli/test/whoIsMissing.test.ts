import { expect, test } from "vitest"
import { Device, Slot } from "@sweep/domain/Device"
import { whoIsMissing } from "../src/running/whoIsMissing.ts"

const card = (index: number) => new Device({ kind: "cuda", index, name: "A100", memoryBytes: 8e10, threads: 1 })
const agent = (...slots: ReadonlyArray<number>) => ({
  state: "connected" as const,
  trainers: ["peft"],
  slots: slots.map(
    (count, index) =>
      new Slot({ index, devices: [card(0), ...Array.from({ length: count - 1 }, (_, more) => card(more + 1))] }),
  ),
})
const spec = (gpus: number, trainer: "peft" | "command" | "external" = "peft") => ({ trainer, resources: { gpus } })

test("a sweep that nobody here can take says who is missing", () => {
  expect(whoIsMissing(spec(1), [])).toMatch(/no agent has joined/)
  expect(whoIsMissing(spec(1, "command"), [agent(1)])).toMatch(/--allow-commands/)
  expect(whoIsMissing(spec(2), [agent(1, 1)])).toMatch(/asks for 2 devices per trial, and no slot .* more than 1/)
  expect(whoIsMissing(spec(2), [{ ...agent(2), state: "lost" }])).toMatch(/no agent here runs/)
})

test("a sweep that somebody can take says nothing", () => {
  expect(whoIsMissing(spec(1), [agent(1)])).toBeNull()
  expect(whoIsMissing(spec(2), [agent(1), agent(2)])).toBeNull()
  expect(whoIsMissing(spec(4, "external"), [])).toBeNull()
})
