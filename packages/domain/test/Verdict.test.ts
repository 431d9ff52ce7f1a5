import * as Schema from "effect/Schema"
import { expect, it } from "vitest"
import { Fact } from "../src/sweep/Fact.ts"

it("reads verdicts from before they held codes: sentences as they were written", () => {
  const old = {
    _tag: "VerdictReached",
    at: 1,
    sweep: "s",
    trial: 3,
    verdict: {
      kind: "overfitting",
      sinceStep: 20,
      evidence: [
        {
          criterion: "generalization-loss",
          statement: "the last eval loss is 58.3% above the lowest, of step 20",
          value: 33,
          threshold: 2,
          holds: true,
        },
      ],
      advice: ["lower rank from 16 to 8: fewer parameters memorise less"],
    },
  }
  const fact = Schema.decodeUnknownSync(Fact)(old)
  expect(JSON.parse(JSON.stringify(Schema.encodeSync(Fact)(fact)))).toEqual(old)
  expect(fact._tag === "VerdictReached" && fact.verdict.advice[0]).toBe(old.verdict.advice[0])
})
