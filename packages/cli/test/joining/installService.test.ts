import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { describe, expect, it, onTestFinished } from "vitest"
import { serviceHome, unitText } from "../../src/joining/installService.ts"
import { root } from "../e2e/harness.ts"

const template = readFileSync(join(root, "agents/deploy/sweep-agent.service"), "utf8")
const command = [process.execPath, join(root, "packages/cli/dist/sweep.mjs"), "agent", "--withhold", "A B%$"]

const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0

describe("the unit of an agent's host", () => {
  it("is the hardened one, with this host's user, paths and command", () => {
    const text = unitText(template, {
      command,
      home: serviceHome,
      user: "root",
      environment: { SWEEP_PYTHON: "/a b/python" },
    })
    expect(text).toContain("\nUser=root\n")
    expect(text).toContain("\nStateDirectory=sweep\n")
    expect(text).toContain('\nEnvironment=SWEEP_HOME=/var/lib/sweep\nEnvironment="SWEEP_PYTHON=/a b/python"\n')
    expect(text).toContain('agent --withhold "A B%%$$"\n')
    for (const hardening of [
      "ProtectSystem=strict",
      "NoNewPrivileges=yes",
      "OOMPolicy=continue",
      "CapabilityBoundingSet=",
    ]) {
      expect(text).toContain(`\n${hardening}\n`)
    }
    expect(text).not.toContain("127.0.0.1")
  })

  it("elsewhere, may write its own folder; of a user, asks for nothing that needs root", () => {
    const elsewhere = unitText(template, { command, home: "/srv/sweep", user: "root", environment: {} })
    expect(elsewhere).toContain("\nReadWritePaths=/srv/sweep\n")
    expect(elsewhere).not.toContain("StateDirectory")
    const own = unitText(template, { command, home: "/home/ana/.sweep", user: null, environment: {} })
    expect(own).not.toMatch(/^(?:User|ProtectSystem|CapabilityBoundingSet|StateDirectory|PrivateTmp)=/m)
    expect(own).toContain("\nWantedBy=default.target\n")
  })

  it.skipIf(!hasAnalyze)("is read by systemd without a word", () => {
    const directory = mkdtempSync(join(tmpdir(), "sweep-unit-"))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const path = join(directory, "sweep-agent.service")
    for (const user of ["root", null]) {
      writeFileSync(path, unitText(template, { command, home: "/srv", user, environment: {} }))
      const said = execFileSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8", stdio: "pipe" })
      expect(said).toBe("")
    }
  })
})
