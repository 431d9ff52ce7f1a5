// A sweep on a real Ray of a head and three nodes with a fake GPU each: agents come as jobs, one node is removed with its
// agent, one job is stopped, and none is left at the end.
import { join } from "node:path"
import process from "node:process"
import { expect, it, onTestFinished } from "vitest"
import { root, Workplace } from "../e2e/harness.ts"
import { RayCluster } from "./RayCluster.ts"
import { SteppingSweep } from "./steppingSweep.ts"

it("starts agents as jobs on nodes, survives a node that goes and a stopped job", { timeout: 1_200_000 }, async () => {
  const place = new Workplace()
  const ray = new RayCluster(process.env["SWEEP_ENGINES_PYTHON"] ?? "python3", 28_265, 3)
  onTestFinished(() => ray.stop())
  await ray.start()

  const command = [process.execPath, join(root, "packages/cli/dist/sweep.mjs")]
  const settings = place.write(
    "agents.yaml",
    [
      "engine: ray",
      `address: ${ray.address}`,
      "gpus: 1",
      "max: 3",
      "notice: 20",
      "idle_exit: 10s",
      `directory: ${place.directory}/jobs`,
      `command: ${JSON.stringify(command)}`,
      "args: [--allow-commands, --slots, '1']",
    ].join("\n"),
  )
  const serving = place.start(["serve", "--port", "0", "--no-web", "--agents", settings])
  const [, address] = await serving.until(/--coordinator (\S+:\d+)/)
  const sweep = new SteppingSweep(place, "on-ray", 8)
  sweep.start(address!)
  await sweep.until("three agents train", async () => (await sweep.runningOn()).length === 3)

  const running = async () => (await ray.jobs()).filter(({ status }) => status === "RUNNING")
  const [first, second] = await running()
  expect(new Set((await running()).map(({ driver_node_id: node }) => node)).size).toBe(3)
  await ray.remove(first!.driver_node_id!)
  await sweep.until("the job of the node that is gone has ended", async () =>
    (await running()).every(({ submission_id: id }) => id !== first!.submission_id),
  )
  await fetch(`${ray.address}/api/jobs/${second!.submission_id}/stop`, { method: "POST" })
  await sweep.expectComplete()
  // Idle agents leave, and nothing asks for others.
  const open = async () => (await ray.jobs()).filter(({ status }) => status === "RUNNING" || status === "PENDING")
  while ((await open()).length > 0) await new Promise((done) => setTimeout(done, 500))
})
