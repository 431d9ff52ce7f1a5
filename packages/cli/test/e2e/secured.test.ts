import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, smallSweep, Workplace } from "./harness.ts"

const prepare = async (place: Workplace) => {
  for (const args of [
    ["certs"],
    ["tokens", "create", "hosts", "--role", "agent"],
    ["tokens", "create", "me", "--role", "submit"],
    ["tokens", "create", "ana", "--role", "read"],
  ]) {
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
  }
  const file = (name: string) => join(place.home, "access", `${name}.json`)
  return { hosts: file("hosts"), me: file("me"), ana: file("ana") }
}

/** The arguments of a command that `serve` printed, as a shell would split them. */
const printed = (line: string): ReadonlyArray<string> => line.trim().split(/\s+/).slice(1)

describe("serve beyond loopback", () => {
  it("refuses to start without certificates, with the commands that make them", async () => {
    const place = new Workplace()
    for (const args of [["--host", "0.0.0.0"], ["--host", "::"], ["--host", "192.0.2.1"], ["--tls"]]) {
      const { code, stderr } = await place.run(["serve", "--port", "0", ...args])
      expect(code).toBe(65)
      expect(stderr).toMatch(/needs certificates and tokens[\s\S]*sweep certs\n\s+sweep tokens create/)
    }
  })

  it("with certificates and tokens listens on every address, and commands of its own host need nothing", async () => {
    const place = new Workplace()
    const { me } = await prepare(place)
    const coordinator = place.start(["serve", "--port", "0", "--host", "0.0.0.0"])
    const [, port] = await coordinator.until(/on 0\.0\.0\.0:(\d+), with TLS and tokens/)
    const own = await place.run(["ls"])
    expect(own.code, own.stderr).toBe(0)
    const named = await place.run(["ls", "--coordinator", `127.0.0.1:${port}`], { SWEEP_ACCESS: me })
    expect(named.code, named.stderr).toBe(0)
  })
})

describe("a coordinator with TLS and tokens", () => {
  it(
    "runs a sweep on an agent that joined by the printed command in another directory",
    { timeout: 600_000 },
    async () => {
      const place = new Workplace()
      const { hosts, me, ana } = await prepare(place)
      const coordinator = place.start(["serve", "--port", "0", "--tls"])
      const [, joining] = await coordinator.until(/agents join with: (.*)\n/)
      const [, start] = await coordinator.until(/sweeps start with:(.*)\n/)

      const host = new Workplace()
      const agent = host.start([...printed(joining!), "--slots", "1"])
      await agent.until(/connected/)

      const desk = new Workplace()
      const file = desk.write("small.yaml", smallSweep())
      const args = printed(start!).map((part) => (part === "FILE" ? file : part))
      const { code, stdout, stderr } = await desk.run([...args, "--json"])
      expect(code, stderr).toBe(0)
      expect(lastJson(stdout)).toMatchObject({ trials: { completed: 2 } })

      // Who may look may look, and no more.
      const address = args[args.indexOf("--coordinator") + 1]!
      const as = (access: string, ...command: ReadonlyArray<string>) =>
        desk.run([...command, "--coordinator", address], { SWEEP_ACCESS: access })
      expect((await as(ana, "trials", "small")).code).toBe(0)
      const stopped = await as(ana, "stop", "small")
      expect(stopped).toMatchObject({
        code: 77,
        stderr: expect.stringMatching(/'ana' has the role read.*needs submit/),
      })
      const submitted = await as(hosts, "run", file)
      expect(submitted).toMatchObject({ code: 77, stderr: expect.stringMatching(/has the role agent.*needs submit/) })
      const posing = await as(me, "agent")
      expect(posing).toMatchObject({ code: 77, stderr: expect.stringMatching(/has the role submit.*needs agent/) })
      const nothing = await as("", "ls")
      expect(nothing.code).toBe(69)
      expect(nothing.stderr).toMatch(/--access FILE or SWEEP_ACCESS/)
      const stranger = new Workplace()
      const foreign = await as((await prepare(stranger)).me, "ls")
      expect(foreign).toMatchObject({ code: 77, stderr: expect.stringMatching(/not signed by the authority/) })

      // A revoked agent is served no longer, and says why.
      expect((await place.run(["tokens", "revoke", "hosts"])).code).toBe(0)
      const { code: left, stderr: said } = await agent.done
      expect(left).toBe(77)
      expect(said).toMatch(/'hosts' was revoked/)

      // No token is in anything that was written but its access file.
      const token = JSON.parse(readFileSync(me, "utf8")).token as string
      for (const written of [stdout, stderr, coordinator.stdout, coordinator.stderr, agent.stdout, agent.stderr]) {
        expect(written).not.toContain(token)
      }
      expect(readFileSync(join(place.home, "tls", "tokens.json"), "utf8")).not.toContain(token.slice(-20))
    },
  )
})

describe("an agent", () => {
  it("runs commands only when its owner allowed it, and whoever submits is told that nobody does", async () => {
    const place = new Workplace()
    const { address } = await place.serve()
    const ran = join(place.directory, "ran")
    const program = place.write(
      "trainer.py",
      `
import json, os
open(${JSON.stringify(ran)}, "w").close()
with open("events.jsonl", "a") as events:
    for seq, event in enumerate([
        {"type": "started", "pid": os.getpid(), "warm": False, "versions": {}, "device": "cpu"},
        {"type": "finished", "step": 1, "values": {"loss": 1.0}, "interrupted": False},
    ]):
        events.write(json.dumps({"seq": seq + 1, "at": "2026-01-01T00:00:00Z", **event}) + "\\n")
`,
    )
    const file = place.write(
      "sweep.yaml",
      `
name: commands
trainer: command
command: [python3, ${JSON.stringify(program)}]
metric: {name: loss, goal: minimize}
method: grid
parameters: {x: {values: [1]}}
`,
    )
    const agent = (id: string, ...flags: ReadonlyArray<string>) =>
      place.start(["agent", "--coordinator", address, "--id", id, "--directory", join(place.directory, id), ...flags])
    await agent("careful").until(/connected/)
    const submitted = await place.run(["run", file, "--coordinator", address, "--detach"])
    expect(submitted.code, submitted.stderr).toBe(0)
    expect(submitted.stderr).toMatch(/no agent here runs 'trainer: command'.*--allow-commands/)
    expect(existsSync(ran)).toBe(false)

    await agent("willing", "--allow-commands").until(/connected/)
    expect((await place.run(["watch", "commands", "--coordinator", address])).code).toBe(0)
    const trials = lastJson((await place.run(["trials", "commands", "--coordinator", address, "--json"])).stdout)
    expect(trials).toMatchObject([{ state: "completed", agent: "willing", attempt: 1 }])
    expect(existsSync(ran)).toBe(true)
  })
})
