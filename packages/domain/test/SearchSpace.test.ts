// What a space may be that came over the network, past every check of a sweep file.
import { describe, expect, it } from "vitest"
import * as Schema from "effect/Schema"
import { Derived, Dimension } from "../src/space/SearchSpace.ts"

const dimension = (name: string) =>
  Schema.decodeUnknownOption(Dimension)({
    name,
    distribution: { _tag: "Categorical", values: [1], probabilities: null },
    when: null,
    prior: null,
  })._tag === "Some"
const derived = (name: string) =>
  Schema.decodeUnknownOption(Derived)({ name, expression: "1", when: null })._tag === "Some"

describe("the name of a parameter", () => {
  it.each(["learning_rate", "optimizer.lr", "a-b", "_x", "R2"])("may be %s", (name) => {
    expect([dimension(name), derived(name)]).toEqual([true, true])
  })
  // `${args_no_hyphens}` would make an option of it, and a shell script's `$1` two words.
  it.each(["-c", "--config", "", " x", "x y", "x=1", "x\n", "$(x)", "x;y", "x\0", "1x"])("may not be %j", (name) => {
    expect([dimension(name), derived(name)]).toEqual([false, false])
  })
})
