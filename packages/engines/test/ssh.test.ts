// The scripts on a real shell, without a network: what `npm run engines` then sends through a real sshd.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { expect, it, onTestFinished } from "vitest"
import { readAgents, ssh, startScript } from "../src/ssh.ts"

it("starts an agent that outlives the connection, lists and cancels it, and keeps the secret off command lines", async () => {
  const place = mkdtempSync(join(tmpdir(), "sweep-ssh-"))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  const write = (name: string, text: string, mode: number) => {
    writeFileSync(join(place, name), text)
    chmodSync(join(place, name), mode)
    return join(place, name)
  }
  // In ssh's stead: runs what comes on standard input; `down` does not answer.
  const client = write(
    "ssh",
    '#!/bin/sh\nfor word; do last=$before; before=$word; done\n[ "$last" = down ] && { echo "No route to host" >&2; exit 255; }\nexec sh -s\n',
    0o755,
  )
  const agent = write(
    "agent",
    '#!/bin/sh\necho "$@" > "$SWEEP_HOME/arguments"\ntrap "exit 0" TERM\nwhile :; do sleep 0.1; done\n',
    0o755,
  )
  const access = write("access.json", '{"token": "it\'s $secret"}\n', 0o600)
  const options = { hosts: ["up", "down"], ssh: [client], installs: false, remoteDirectory: join(place, "hosts") }
  const job = { name: "sweep-1", command: [agent, "agent", "--access", access], directory: place }
  const engine = ssh(options)

  const [id, ...others] = await Effect.runPromise(engine.start(2, job))
  expect(others).toEqual([])
  expect(await Effect.runPromise(engine.list("sweep-1"))).toEqual([{ id, state: "running", host: "up", reason: null }])
  const at = join(place, "hosts/sweep-1", id!)
  expect(readFileSync(join(at, "access.json"), "utf8")).toBe(readFileSync(access, "utf8"))
  expect(statSync(join(at, "access.json")).mode & 0o777).toBe(0o600)
  while (!existsSync(join(at, "arguments"))) await new Promise((done) => setTimeout(done, 20))
  expect(readFileSync(join(at, "arguments"), "utf8")).toBe(
    `agent --access ${at}/access.json --on-term release --notice 30s --id ssh-${id} --directory ${at}/agent\n`,
  )
  // Full: another one has no place.
  expect(await Effect.runPromise(Effect.flip(engine.start(1, job)))).toMatchObject({
    message: expect.stringMatching(/down:.*No route/),
  })
  await Effect.runPromise(engine.cancel([id!]))
  for (;;) {
    const [now] = await Effect.runPromise(engine.list("sweep-1"))
    if (now!.state === "ended") break
  }
})

it("installs once, from a requirement or from a wheel that is sent", () => {
  const place = mkdtempSync(join(tmpdir(), "sweep-ssh-"))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  const job = { name: "sweep-1", command: ["sweep", "agent"], directory: place }
  expect(startScript({ hosts: ["a"], installs: true, package: "sweep-ft-agent==1" }, job, "a.1")).toContain(
    "install --quiet --disable-pip-version-check sweep-ft-agent==1",
  )
  const wheel = join(place, "sweep_ft_agent-1-py3-none-any.whl")
  writeFileSync(wheel, "wheel")
  expect(startScript({ hosts: ["a"], installs: true, package: wheel }, job, "a.1")).toContain(
    Buffer.from("wheel").toString("base64"),
  )
})

it("reads only lines that it wrote", () => {
  expect(readAgents("Welcome to gpu1!\ngpu1.ab running\ngpu1.cd ended\n../x running\n", "gpu1")).toEqual([
    { id: "gpu1.ab", state: "running", host: "gpu1", reason: null },
    { id: "gpu1.cd", state: "ended", host: "gpu1", reason: "its process has ended" },
  ])
})
