// A host joins with the printed line, over real TLS, and what of it is refused; then what users order of agents.
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { makeInvite } from "@sweep/access/Invites"
import { formatJoin, parseJoin } from "@sweep/access/joinAddress"
import { lastJson, Workplace } from "./harness.ts"

it("joins once, with the token, of the coordinator with that fingerprint", { timeout: 600_000 }, async () => {
  const place = new Workplace()
  expect((await place.run(["certs"])).code).toBe(0)
  const coordinator = place.start(["serve", "--port", "0", "--tls", "--no-web"])
  const [, printed] = await coordinator.until(/pip install sweep-ft-agent==\S+ && sweep agent --join (\S+)\n/)
  const line = parseJoin(printed!)!
  const refused = async (text: string) => {
    const { code, stderr } = await new Workplace().run(["agent", "--join", text])
    expect(code, stderr).toBe(77)
    return stderr
  }

  // Whoever stands between has another authority: nothing is said to it, and the token is as good as before.
  const other = line.fingerprint.startsWith("A") ? "B" : "A"
  const wrong = { ...line, fingerprint: other + line.fingerprint.slice(1) }
  expect(await refused(formatJoin(wrong))).toMatch(/is not the coordinator that made this join token/)
  // A stranger has a token that nobody made.
  const stranger = { ...line, token: line.token.slice(0, -3) + (line.token.endsWith("AAA") ? "BBB" : "AAA") }
  expect(await refused(formatJoin(stranger))).toMatch(/does not know this join token/)
  const { token } = makeInvite(join(place.home, "tls/invites"), -1_000)
  expect(await refused(formatJoin({ ...line, token }))).toMatch(/has expired; 'sweep agents invite'/)
  const half = await new Workplace().run(["agent", "--join", printed!.slice(0, -5)])
  expect(half).toMatchObject({ code: 65, stderr: expect.stringMatching(/--join: expected HOST:PORT/) })

  const host = new Workplace()
  const first = host.start(["agent", "--join", printed!, "--id", "gpu1", "--slots", "1"])
  await first.until(/joined the coordinator at \S+ as agent gpu1/)
  await first.until(/connected/)
  const identity = join(host.home, "joined.json")
  expect(statSync(identity).mode & 0o777).toBe(0o600)
  const { key, token: own } = JSON.parse(readFileSync(identity, "utf8"))
  expect(await refused(printed!)).toMatch(/was used already/)

  // From now on no flag is needed, and the same line changes nothing.
  first.kill("SIGTERM")
  await first.done
  const again = host.start(["agent", "--slots", "1"], { SWEEP_JOIN: printed! })
  await again.until(/this host has joined already, as agent gpu1/)
  await again.until(/connected/)

  // A name that is taken is given to nobody else.
  const [second] = lastJson((await place.run(["agents", "invite", "--json"])).stdout)
  const twin = new Workplace()
  const named = twin.start(["agent", "--join", second.join, "--id", "gpu1", "--slots", "1"])
  await named.until(/as agent gpu1-2/)
  await named.until(/connected/)
  const audited = readFileSync(join(place.home, "audit.jsonl"), "utf8")
  expect(audited).toMatch(/"what":"join".*"agent":"gpu1","refused":null/)
  expect(audited).toMatch(/"what":"join".*"refused":"this join token was used already/)
  for (const text of [audited, readFileSync(join(place.home, "tls/tokens.json"), "utf8"), coordinator.stderr]) {
    for (const secret of [line.token.slice(-20), own.slice(-20), key.slice(40, 80)]) expect(text).not.toContain(secret)
  }

  const ask = async (...args: ReadonlyArray<string>) => {
    const { code, stdout, stderr } = await place.run(["agents", ...args])
    expect(code, stderr).toBe(0)
    return stdout
  }
  const states = async () =>
    new Map<string, string>(lastJson(await ask("--json")).map((one: any) => [one.agent, one.state]))
  expect(await ask("logs", "gpu1")).toMatch(/connected to the coordinator/)
  await ask("drain", "gpu1", "--reason", "a new driver")
  expect((await states()).get("gpu1")).toBe("draining")
  await ask("resume", "gpu1")
  expect((await states()).get("gpu1")).toBe("connected")

  // Who only looks orders nothing.
  expect((await place.run(["tokens", "create", "ana", "--role", "read"])).code).toBe(0)
  const ana = { SWEEP_COORDINATOR: line.coordinator, SWEEP_ACCESS: join(place.home, "access/ana.json") }
  for (const order of ["drain", "resume", "rm"]) {
    expect((await twin.run(["agents", order, "gpu1"], ana)).code, order).toBe(77)
  }
  expect((await twin.run(["agents", "logs", "gpu1"], ana)).code).toBe(0)

  await ask("rm", "gpu1")
  expect(await again.done).toMatchObject({ code: 77, stderr: expect.stringMatching(/was revoked|was removed/) })
  expect((await states()).has("gpu1")).toBe(false)
  expect((await place.run(["agents", "drain", "gpu1"])).stderr).toMatch(/no agent named gpu1; did you mean gpu1-2/)
  expect(readFileSync(join(place.home, "audit.jsonl"), "utf8")).toMatch(/"orderAgent".*"order":"remove"/)
})
