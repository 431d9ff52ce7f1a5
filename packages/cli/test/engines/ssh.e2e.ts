// A sweep on two hosts that have sshd and Python and nothing else: the agent's wheel is installed there; one agent is
// killed, and none is left at the end.
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { expect, it, onTestFinished } from "vitest"
import { root, Workplace } from "../e2e/harness.ts"
import { SshHosts } from "./SshHosts.ts"
import { SteppingSweep } from "./steppingSweep.ts"

it("installs and starts agents on hosts, gives a killed one's trial to the other", { timeout: 1_200_000 }, async () => {
  const wheel = process.env["SWEEP_ENGINES_WHEEL"]!
  const place = new Workplace()
  // What is installed there was built and fetched before: nothing outside this machine is asked.
  const links = process.env["SWEEP_ENGINES_WHEELS"]
  const offline = links === undefined ? {} : { PIP_NO_INDEX: "1", PIP_FIND_LINKS: links }
  const hosts = new SshHosts(join(place.directory, "ssh"), ["gpu1", "gpu2"], 26_900, offline)
  onTestFinished(() => hosts.stop())

  const settings = place.write(
    "agents.yaml",
    [
      "engine: ssh",
      "hosts: [gpu1, gpu2]",
      `ssh: [ssh, -F, ${hosts.config}]`,
      `package: ${wheel}`,
      "max: 2",
      "idle_exit: 10s",
      // A Python that can train: otherwise an agent prepares one first, which takes a network and minutes.
      `args: [--allow-commands, --slots, '1', --python, ${root}/.venv/bin/python]`,
    ].join("\n"),
  )
  const serving = place.start(["serve", "--port", "0", "--no-web", "--agents", settings])
  const [, address] = await serving.until(/--coordinator (\S+:\d+)/)
  const sweep = new SteppingSweep(place, "over-ssh", 5)
  sweep.start(address!)
  await sweep.until("both hosts train", async () => (await sweep.runningOn()).length === 2)

  const [agent] = await sweep.runningOn()
  const pidOf = (id: string) => {
    const host = ["gpu1", "gpu2"].find((one) => id.startsWith(`ssh-${one}.`))!
    const jobs = join(hosts.folder(host), "sweep-agents")
    const [name] = readdirSync(jobs).filter((entry) => entry.startsWith("sweep-"))
    return Number(readFileSync(join(jobs, name!, id.slice("ssh-".length), "pid"), "utf8"))
  }
  // With its trainer, as a host that loses its power; it cannot say a word.
  const pid = pidOf(agent!)
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean)) {
    process.kill(Number(child), "SIGKILL")
  }
  process.kill(pid, "SIGKILL")
  await sweep.expectComplete()
  expect(serving.stderr).toMatch(/asked ssh for 2 agents/)
  // Idle agents leave; nothing of them runs on.
  const left = () =>
    readdirSync("/proc").filter((entry) => {
      if (!/^\d+$/.test(entry) || !existsSync(`/proc/${entry}/cmdline`)) return false
      try {
        return readFileSync(`/proc/${entry}/cmdline`, "utf8").includes("ssh-gpu")
      } catch {
        return false
      }
    })
  while (left().length > 0) await new Promise((done) => setTimeout(done, 500))
  // While its engine is there: it asks for nothing more once it has gone.
  serving.kill("SIGTERM")
  await serving.done
})
