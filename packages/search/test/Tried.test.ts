// A history that grows in place is asked about as often as one that is made again.
import { describe, expect, it } from "vitest"
import type { Observation } from "../src/space/History.ts"
import { tried } from "../src/space/Tried.ts"
import { within } from "../src/space/within.ts"

const observed = (number: number, rank: number): Observation => ({
  number,
  parameters: { rank },
  outcome: "open",
  objective: null,
  values: {},
})
const space = {
  dimensions: [
    { name: "rank", distribution: { _tag: "IntUniform" as const, min: 1, max: 9 }, when: null, prior: null },
  ],
  derived: [],
  constraints: [],
}

describe("a history that is one array", () => {
  it("is looked at where it has grown, and again where its end was taken back", () => {
    const history: Array<Observation> = []
    const look = tried()
    const inSpace = within(space)
    const check = () => {
      const fresh = [...history]
      for (let rank = 0; rank <= 12; rank++) {
        expect(look(history).has({ rank })).toBe(fresh.some(({ parameters }) => parameters["rank"] === rank))
      }
      expect(inSpace(history)).toEqual(fresh.filter(({ parameters }) => Number(parameters["rank"]) <= 9))
    }
    check()
    for (const rank of [1, 2, 3]) {
      history.push(observed(history.length + 1, rank))
      check()
    }
    // What is known of a set changes, its parameters do not.
    history[1] = { ...history[1]!, outcome: "completed", objective: 1 }
    check()
    history.length = 2
    check()
    history.push(observed(3, 7), observed(4, 12))
    check()
    history.length = 3
    history.push(observed(4, 8))
    check()
  })
})
