// A real Ray on this machine: a head and worker nodes with fake GPUs, by Ray's own cluster_utils. Needs a Python with
// ray[default]. Everything it starts ends with it.
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { createInterface, type Interface } from "node:readline"
import type { Readable, Writable } from "node:stream"

const driver = `
import json, sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={
    "num_cpus": 2, "num_gpus": 0, "include_dashboard": True, "dashboard_host": "127.0.0.1",
    "dashboard_port": int(sys.argv[1]), "node_ip_address": "127.0.0.1",
})
nodes = [cluster.add_node(num_cpus=2, num_gpus=1, node_ip_address="127.0.0.1") for _ in range(int(sys.argv[2]))]
print(json.dumps({"nodes": [node.node_id for node in nodes]}), flush=True)
for line in sys.stdin:
    [gone] = [node for node in nodes if node.node_id == line.strip()]
    nodes.remove(gone)
    cluster.remove_node(gone, allow_graceful=False)
    print(json.dumps({"removed": line.strip()}), flush=True)
cluster.shutdown()
`

export class RayCluster {
  readonly address: string
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: Interface

  constructor(python: string, port: number, nodes: number) {
    this.address = `http://127.0.0.1:${port}`
    this.#process = spawn(python, ["-c", driver, String(port), String(nodes)], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, RAY_USAGE_STATS_ENABLED: "0", RAY_ENABLE_UV_RUN_RUNTIME_ENV: "0" },
    })
    this.#lines = createInterface({ input: this.#process.stdout })
  }

  /** The ids of its worker nodes, once the dashboard answers. */
  async start(): Promise<ReadonlyArray<string>> {
    const ready = new Promise<any>((resolve, reject) => {
      this.#lines.once("line", (line) => resolve(JSON.parse(line)))
      this.#process.once("exit", () => reject(new Error("Ray's cluster did not start")))
    })
    const { nodes } = await ready
    for (;;) {
      const answer = await fetch(`${this.address}/api/jobs/`).catch(() => undefined)
      if (answer?.ok === true) return nodes
      await new Promise((done) => setTimeout(done, 500))
    }
  }

  async jobs(): Promise<ReadonlyArray<{ submission_id: string; status: string; driver_node_id: string | null }>> {
    return (await (await fetch(`${this.address}/api/jobs/`)).json()) as never
  }

  async remove(node: string): Promise<void> {
    const removed = new Promise((resolve) => this.#lines.once("line", resolve))
    this.#process.stdin.write(`${node}\n`)
    await removed
  }

  async stop(): Promise<void> {
    this.#process.stdin.end()
    await new Promise((done) => this.#process.once("exit", done))
  }
}
