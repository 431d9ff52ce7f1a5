import { describe, expect, it } from "vitest"
import { type CommandContext, defaultCommand, expandCommand, unknownMacros } from "../src/training/Command.ts"

const context: CommandContext = {
  parameters: {
    rank: 8,
    rate: 1.5e-4,
    bias: true,
    tie: false,
    note: "two words",
    none: null,
    "data.size": 3,
    "optimizer.name": "adam",
    "optimizer.betas.low": 0.9,
    "optimizer.nesterov": true,
  },
  groups: ["optimizer", "optimizer.betas"],
  program: "/home/me/train.py",
  argumentsFile: "/run/1/arguments.json",
  environment: { HOME: "/home/me", CUDA: "0" },
}

const dictionary = "{'name': 'adam', 'betas': {'low': 0.9}, 'nesterov': True}"
const object = { rank: 8, rate: 1.5e-4, bias: true, tie: false, note: "two words", none: null, "data.size": 3 }

describe("expandCommand", () => {
  it.each<[string, ReadonlyArray<string>]>([
    ["${env}", ["/usr/bin/env"]],
    ["${interpreter}", ["python"]],
    ["${program}", ["/home/me/train.py"]],
    [
      "${args}",
      [
        "--rank=8",
        "--rate=0.00015",
        "--bias=True",
        "--tie=False",
        "--note=two words",
        "--none=None",
        "--data.size=3",
        `--optimizer=${dictionary}`,
      ],
    ],
    [
      "${args_no_equals}",
      [
        "--rank 8 --rate 0.00015 --bias True --tie False".split(" "),
        ["--note", "two words", "--none", "None", "--data.size", "3", "--optimizer", dictionary],
      ].flat(),
    ],
    [
      "${args_no_hyphens}",
      [
        "rank=8",
        "rate=0.00015",
        "bias=True",
        "tie=False",
        "note=two words",
        "none=None",
        "data.size=3",
        `optimizer=${dictionary}`,
      ],
    ],
    [
      "${args_no_boolean_flags}",
      [
        "--rank=8",
        "--rate=0.00015",
        "--bias",
        "--note=two words",
        "--none=None",
        "--data.size=3",
        `--optimizer=${dictionary}`,
      ],
    ],
    [
      "${args_append_hydra}",
      [
        "+rank=8",
        "+rate=0.00015",
        "+bias=True",
        "+tie=False",
        "+note=two words",
        "+none=None",
        "+data.size=3",
        `+optimizer=${dictionary}`,
      ],
    ],
    [
      "${args_override_hydra}",
      [
        "++rank=8",
        "++rate=0.00015",
        "++bias=True",
        "++tie=False",
        "++note=two words",
        "++none=None",
        "++data.size=3",
        `++optimizer=${dictionary}`,
      ],
    ],
    ["${args_json_file}", ["/run/1/arguments.json"]],
    ["${envvar:HOME}", ["/home/me"]],
    ["--gpu=${envvar:CUDA}:${envvar:HOME}", ["--gpu=0:/home/me"]],
    ["${envvar:UNSET}", ["UNSET"]],
    ["$HOME; rm -rf /", ["$HOME; rm -rf /"]],
  ])("%s", (argument, expected) => expect(expandCommand([argument], context)).toEqual(expected))

  it("${args_json}", () =>
    expect(expandCommand(["${args_json}"], context).map((text) => JSON.parse(text))).toEqual([
      { ...object, optimizer: { name: "adam", betas: { low: 0.9 }, nesterov: true } },
    ]))

  it("starts with the interpreter by default", () =>
    expect(expandCommand(defaultCommand, { ...context, parameters: { lr: 0.1 } })).toEqual([
      "/usr/bin/env",
      "python",
      "/home/me/train.py",
      "--lr=0.1",
    ]))

  it("writes quotes in a dictionary as Python does", () =>
    expect(
      expandCommand(["${args}"], { ...context, groups: ["g"], parameters: { "g.a": "it's", "g.b": `'"\\` } }),
    ).toEqual([String.raw`--g={'a': "it's", 'b': '\'"\\'}`]))
})

describe("unknownMacros", () => {
  it.each([
    ["${args}", []],
    ["--a=${envvar:X}", []],
    ["${arg}", ["arg"]],
    ["--all=${args}", ["args"]],
    ["${HOME}", ["HOME"]],
    ["plain", []],
  ])("%s", (argument, expected) => expect(unknownMacros(argument)).toEqual(expected))
})
