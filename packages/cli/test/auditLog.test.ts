import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { auditLogOf } from "../src/serving/auditLog.ts"

it("an audit log says who asked for what, is its owner's alone, and is not filled by refusals", () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-audit-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const log = auditLogOf(directory, (message) => expect.fail(message))
  const caller = { name: "me", token: "0123abcd" }
  log.record({ caller, what: "submit", peer: "127.0.0.1:9", about: { sweep: "s" }, refused: null })
  for (let i = 0; i < 1_000; i++) log.record({ caller, what: "stop", peer: null, about: {}, refused: "no" })
  const path = join(directory, "audit.jsonl")
  const lines = readFileSync(path, "utf8").trim().split("\n")
  expect(JSON.parse(lines[0]!)).toMatchObject({
    caller: "me",
    token: "0123abcd",
    what: "submit",
    sweep: "s",
    refused: null,
  })
  // Two seconds may have begun while it was written.
  expect(lines.length).toBeLessThan(110)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})
