import { describe, expect, it } from "vitest"
import { Workplace } from "./harness.ts"

const commands = [
  "run",
  "check",
  "fits",
  "ls",
  "show",
  "trials",
  "watch",
  "logs",
  "best",
  "report",
  "stop",
  "pause",
  "resume",
  "extend",
  "clone",
  "rm",
  "ask",
  "tell",
  "query",
  "export",
  "backup",
  "restore",
  "doctor",
  "serve",
  "open",
  "agent",
  "certs",
  "tokens",
  "tokens create",
  "tokens ls",
  "tokens revoke",
]

describe("help", () => {
  it("of the whole and of every command is as agreed", async () => {
    const place = new Workplace()
    const pages = await Promise.all(
      [[], ...commands.map((command) => command.split(" "))].map(async (args) => {
        const { code, stdout } = await place.run([...args, "--help"])
        expect(code).toBe(0)
        return `$ sweep ${[...args, "--help"].join(" ")}\n${stdout}`
      }),
    )
    await expect(pages.join("\n")).toMatchFileSnapshot("../golden/help.txt")
  })

  it("prints its version, and shell completion", async () => {
    const place = new Workplace()
    const { stdout } = await place.run(["--version"])
    expect(stdout).toMatch(/^sweep v\d+\.\d+\.\d+\n$/)
    // Which is a short cut around the command tree, and says the same.
    expect((await place.run(["-v"])).stdout).toBe(stdout)
    expect((await place.run(["--completions", "bash"])).stdout).toContain("sweep")
  })

  it("suggests the nearest command", async () => {
    const { code, stderr, stdout } = await new Workplace().run(["rum"])
    expect(code).toBe(1)
    expect(stdout + stderr).toContain("run")
  })
})
