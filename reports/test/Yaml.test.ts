import { expect, it } from "vitest"
import { parametersYaml } from "../src/Yaml.ts"

it("writes parameters that YAML 1.1 and 1.2 read alike", () => {
  expect(
    parametersYaml({
      rank: 16,
      learning_rate: 1e-7,
      "optimizer.lr": 2.5e-8,
      big: 1e21,
      variant: "lora+",
      note: "a: b # c",
      empty: "",
      yes: "no",
      version: "1.0",
      exponent: "1e3",
      flag: true,
      alpha: null,
      model: "/data/models/tiny-1.5B",
      newline: "a\nb",
    }),
  ).toBe(
    [
      "rank: 16",
      "learning_rate: 1.0e-7",
      "optimizer.lr: 2.5e-8",
      "big: 1.0e+21",
      'variant: "lora+"',
      'note: "a: b # c"',
      'empty: ""',
      '"yes": "no"',
      'version: "1.0"',
      'exponent: "1e3"',
      "flag: true",
      "alpha: null",
      "model: /data/models/tiny-1.5B",
      'newline: "a\\nb"',
    ].join("\n"),
  )
})
