import { createServer } from "node:net"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root, smallSweep, Workplace } from "./harness.ts"

const record = (change: object) =>
  JSON.stringify([
    { instruction: "a", input: "", output: "b" },
    { instruction: "c", input: "", output: "d", ...change },
  ])

/** A sweep file made wrong in one place, and what the message has to say. */
const files: ReadonlyArray<readonly [string, string, ReadonlyArray<RegExp>]> = [
  ["an empty file", "", [/wrong\.yaml:1:1/, /empty/i]],
  ["broken YAML", "name: [a\nmethod: grid\n", [/wrong\.yaml:\d+:\d+/]],
  [
    "an unknown key",
    smallSweep().replace("parameters:", "paramaters:"),
    [/wrong\.yaml:\d+:\d+/, /paramaters/, /parameters/],
  ],
  [
    "an unknown parameter",
    smallSweep().replace("learning_rate:", "learning_rat:"),
    [/wrong\.yaml:\d+:\d+/, /learning_rate/],
  ],
  [
    "min above max",
    smallSweep({ rates: "[0.1]" }).replace("{values: [0.1]}", "{min: 0.2, max: 0.1}").replace("grid", "random"),
    [/wrong\.yaml:\d+:\d+/, /0\.2/, /0\.1/],
  ],
  ["empty values", smallSweep({ ranks: "[]" }), [/wrong\.yaml:\d+:\d+/, /values/]],
  ["a missing data file", smallSweep().replace("train.json", "nowhere.json"), [/wrong\.yaml:\d+:\d+/, /nowhere\.json/]],
  ["a model without config.json", smallSweep().replace("/base-model", ""), [/wrong\.yaml:\d+:\d+/, /config\.json/]],
  [
    "a variant that the trainer cannot run",
    smallSweep().replace("  rank:", "  variant: {values: [lora, hydra]}\n  rank:"),
    [/wrong\.yaml:\d+:\d+/, /hydra/, /lora/],
  ],
  [
    "a rank that the model's layers do not have",
    smallSweep({ ranks: "[8, 129]" }).replace("  rank:", "  variant: {value: pissa}\n  rank:"),
    [/wrong\.yaml:11:22: `rank`: 129 is more than the 128 singular values of model\.layers\.0\./, /at most 128/],
  ],
  [
    "a population whose checkpoints are not kept",
    `${smallSweep()}artifacts: none\nearly_terminate: {type: pbt, population: 2}\n`,
    [/wrong\.yaml:\d+:\d+/, /population-based/, /`artifacts: none`/],
  ],
  ["zero trials", `${smallSweep()}budget: {trials: 0}\n`, [/wrong\.yaml:\d+:\d+/, /trials/]],
  ["a name that is a path", smallSweep({ name: "../../etc" }), [/wrong\.yaml:\d+:\d+/, /name/]],
  ["a name that is HTML", smallSweep({ name: "'<script>alert(1)</script>'" }), [/wrong\.yaml:\d+:\d+/, /name/]],
]

describe("bad input is refused with the place and the remedy", () => {
  it.each(files)("%s", async (_, text, patterns) => {
    const place = new Workplace()
    place.write("wrong.yaml", text)
    for (const command of ["check", "run"]) {
      const { code, stdout, stderr } = await place.run([command, "wrong.yaml"])
      expect(code, stdout).toBe(65)
      for (const pattern of patterns) expect(stderr).toMatch(pattern)
      expect(stderr).not.toMatch(/\n\s+at .*\.(ts|mjs):\d+/)
    }
  })

  it("no file", async () => {
    const { code, stderr } = await new Workplace().run(["run", "nowhere.yaml"])
    expect(code).toBe(65)
    expect(stderr).toContain("nowhere.yaml")
  })

  it.each([
    ["a missing field", { output: undefined }, /output/],
    ["a wrong type", { output: 7 }, /output/],
  ])("an Alpaca record with %s names the record", async (_, change, field) => {
    const place = new Workplace()
    const data = place.write("data.json", record(change))
    place.write("wrong.yaml", smallSweep().replace(`${root}/sweeps/quickstart/train.json`, data))
    const { code, stderr } = await place.run(["run", "wrong.yaml"])
    expect(code).toBe(65)
    expect(stderr).toMatch(/data\.json/)
    expect(stderr).toMatch(/record 2/)
    expect(stderr).toMatch(field)
  })

  it("an alias bomb of 50 KB", async () => {
    const place = new Workplace()
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for (let i = 1; lines.join("\n").length < 50_000; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      )
    place.write("bomb.yaml", lines.join("\n"))
    const { code, stderr } = await place.run(["check", "bomb.yaml"])
    expect(code).toBe(65)
    expect(stderr).toMatch(/bomb\.yaml:\d+:\d+/)
  })

  it("a port that is in use", async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
    )
    try {
      const { code, stderr } = await new Workplace().run(["serve", "--port", String(port)])
      expect(code).toBe(69)
      expect(stderr).toContain(String(port))
    } finally {
      server.close()
    }
  })

  it("an address that is not loopback", async () => {
    const { code, stderr } = await new Workplace().run(["serve", "--host", "0.0.0.0", "--port", "0"])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/loopback|127\.0\.0\.1/)
  })

  it("a second coordinator on the same state", async () => {
    const place = new Workplace()
    const first = place.start(["serve", "--port", "0"])
    await first.until(/--coordinator \S+:\d+/)
    const { code, stderr } = await place.run(["serve", "--port", "0"])
    expect(code).toBe(74)
    expect(stderr).toContain(String(first.process.pid))
  })

  it("a coordinator that is not there", async () => {
    const place = new Workplace()
    const { code, stderr } = await place.run(["ls", "--coordinator", "127.0.0.1:1"])
    expect(code).toBe(69)
    expect(stderr).toMatch(/127\.0\.0\.1:1/)
  })

  it("a metric that the trainer does not report", async () => {
    const place = new Workplace()
    const file = place.write(
      "wrong.yaml",
      smallSweep({ ranks: "[2]", samples: 32 }).replace("name: eval/loss", "name: eval/los"),
    )
    const { code, stdout, stderr } = await place.run(["run", file, "--json"])
    expect(code).toBe(65)
    expect(stdout + stderr).toMatch(/eval\/los[^s]/)
    expect(stdout + stderr).toMatch(/eval\/loss/)
  })

  it("a sweep and a trial that are not there", async () => {
    const place = new Workplace()
    mkdirSync(join(place.home), { recursive: true })
    for (const args of [
      ["show", "nothing"],
      ["logs", "nothing/1"],
      ["best", "../x"],
      ["stop", "nothing/1"],
    ]) {
      const { code, stderr } = await place.run(args)
      expect(code, args.join(" ")).toBe(65)
      expect(stderr).not.toBe("")
    }
  })

  it("SQL that writes, and SQL that is wrong", async () => {
    const place = new Workplace()
    for (const sql of [
      "DROP TABLE facts",
      "INSERT INTO facts VALUES (1)",
      "SELEC 1",
      "SELECT nope FROM trials",
      "COPY facts TO 'x.csv'",
      "SELECT * FROM read_text('/etc/passwd')",
    ]) {
      const { code, stderr } = await place.run(["query", sql])
      expect(code, sql).toBe(65)
      expect(stderr).not.toBe("")
    }
  })
})
