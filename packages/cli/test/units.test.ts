// The systemd units: what they promise about rights, memory and restarts, and that their commands are the program's.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root } from "./e2e/harness.ts"

const help = readFileSync(join(root, "packages/cli/test/golden/help.txt"), "utf8")

describe.each(["sweep-agent.service", "sweep-coordinator.service"])("%s", (name) => {
  const path = join(root, "agents/deploy", name)
  const unit = readFileSync(path, "utf8")
  const setting = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1]

  it("keeps its state private, gives away no rights and lives on when a child runs out of memory", () => {
    expect(setting("StateDirectoryMode")).toBe("0700")
    expect(setting("UMask")).toBe("0077")
    expect(setting("OOMPolicy")).toBe("continue")
    expect(setting("NoNewPrivileges")).toBe("yes")
    expect(setting("CapabilityBoundingSet")).toBe("")
    expect(setting("ProtectSystem")).toBe("strict")
    expect(setting("RestrictSUIDSGID")).toBe("yes")
  })

  it("starts a command and flags that there are", () => {
    const [, command, ...rest] = setting("ExecStart")!.split(" ")
    expect(help).toContain(`sweep ${command}`)
    for (const flag of rest.filter((word) => word.startsWith("--"))) expect(help).toContain(flag)
  })

  it("is a unit as systemd reads them, where systemd is", () => {
    const done = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" })
    if (done.error !== undefined) return
    const complaints = done.stderr.split("\n").filter((line) => line.includes(name) && !line.includes("not executable"))
    expect(complaints).toEqual([])
  })
})
