// A client of the Model Context Protocol, by its own SDK, drives the real server as a coding agent would.
import process from "node:process"
import { join } from "node:path"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { expect, it, onTestFinished } from "vitest"
import { root, smallSweep, Workplace } from "./harness.ts"

const connect = async (place: Workplace, ...flags: ReadonlyArray<string>) => {
  const client = new Client({ name: "test", version: "1.0.0" })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(root, "packages/cli/dist/sweep.mjs"), "mcp", ...flags],
    cwd: place.directory,
    env: { ...(process.env as Record<string, string>), SWEEP_HOME: place.home, SWEEP_COORDINATOR: "", NO_COLOR: "1" },
    stderr: "inherit",
  })
  await client.connect(transport)
  onTestFinished(() => client.close())
  let calls = 0
  const call = async (name: string, parameters: Record<string, unknown> = {}): Promise<any> => {
    calls++
    const result = await client.callTool({ name, arguments: parameters }, undefined, { timeout: 3_600_000 })
    const [{ text }] = result.content as [{ text: string }]
    return result.isError === true ? { failed: text } : (result.structuredContent ?? JSON.parse(text))
  }
  return { client, call, calls: () => calls }
}

it("takes a sweep from check to best in at most ten calls, on this machine", { timeout: 900_000 }, async () => {
  const place = new Workplace()
  place.write("small.yaml", smallSweep())
  place.write("endless.yaml", smallSweep({ name: "endless" }).replace("method: grid", "method: random"))
  const { client, call, calls } = await connect(place)
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["check", "run", "watch", "best", "report", "query", "list", "stop"]),
  )
  expect(client.getInstructions()).toMatch(/check .* run .* watch .* best/)

  expect(await call("check", { file: "small.yaml" })).toMatchObject({ name: "small" })
  const { sweep } = await call("run", { file: "small.yaml" })
  expect(sweep).toBe("small")
  for (let status = "running"; status === "running" && calls() < 9;) {
    const seen = await call("watch", { sweep, wait_seconds: 300 })
    status = seen.status
  }
  const best = await call("best", { sweep })
  expect(best).toMatchObject({ sweep: "small", parameters: { rank: expect.any(Number) } })
  expect(best.yaml).toMatch(/parameters:/)
  expect(calls()).toBeLessThanOrEqual(10)

  expect(await call("report", { sweep })).toMatchObject({ report: expect.stringMatching(/small\.html$/) })
  const { rows } = await call("query", { sql: "SELECT trial, state FROM trials ORDER BY trial" })
  expect(rows).toEqual([
    { trial: 1, state: "completed" },
    { trial: 2, state: "completed" },
  ])
  // What is wrong is said to the model, and ends nothing.
  expect(await call("run", { file: "endless.yaml" })).toMatchObject({ failed: expect.stringMatching(/no end.*budget/) })
  expect(await call("check", { file: "none.yaml" })).toMatchObject({ failed: expect.stringMatching(/none\.yaml/) })
  expect(await call("query", { sql: "DROP TABLE trials" })).toMatchObject({ failed: expect.any(String) })
  expect(await call("best", { sweep: "smal" })).toMatchObject({ failed: expect.stringMatching(/did you mean small/) })
})

it("does no more than its access file may", { timeout: 600_000 }, async () => {
  const place = new Workplace()
  for (const args of [["certs"], ["tokens", "create", "ana", "--role", "read"]]) {
    expect((await place.run(args)).code).toBe(0)
  }
  const coordinator = place.start(["serve", "--port", "0", "--tls", "--no-web"])
  const [, address] = await coordinator.until(/--coordinator (\S+:\d+)/)
  const desk = new Workplace()
  desk.write("small.yaml", smallSweep())
  const as = ["--coordinator", address!, "--access", join(place.home, "access/ana.json")]
  const { call } = await connect(desk, ...as)
  expect(await call("list")).toEqual({ sweeps: [] })
  expect(await call("run", { file: "small.yaml" })).toMatchObject({
    failed: expect.stringMatching(/'ana' has the role read, and this needs submit/),
  })
  expect(await call("list")).toEqual({ sweeps: [] })
  const looking = await connect(desk, ...as, "--read-only")
  const { tools } = await looking.client.listTools()
  expect(tools.map(({ name }) => name)).not.toEqual(expect.arrayContaining(["run"]))
})
