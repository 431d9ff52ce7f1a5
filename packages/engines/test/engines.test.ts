import { createServer } from "node:http"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { agentIdOf } from "../src/Engine.ts"
import { ray, readJobs } from "../src/ray.ts"
import { scale } from "../src/scale.ts"
import { batchScript, readQueue } from "../src/slurm.ts"

const job = (id: string, state: "queued" | "running" | "ended") => ({ id, state, host: null, reason: null })

it("asks for as many agents as trials are open, within the limits", () => {
  const of = (openTrials: number, jobs: ReadonlyArray<ReturnType<typeof job>>, slotsPerAgent = 1) =>
    scale({ openTrials, slotsPerAgent, min: 0, max: 4, jobs })
  expect(of(10, [])).toEqual({ start: 4, cancel: [] })
  expect(of(3, [job("1", "running"), job("2", "ended")])).toEqual({ start: 2, cancel: [] })
  expect(of(8, [job("1", "queued")], 4)).toEqual({ start: 1, cancel: [] })
  // The job that waits longest is the next to run; running agents leave by themselves.
  expect(of(1, [job("1", "queued"), job("2", "queued"), job("3", "running")])).toEqual({ start: 0, cancel: ["1", "2"] })
  expect(of(2, [job("1", "queued"), job("2", "queued"), job("3", "running")])).toEqual({ start: 0, cancel: ["2"] })
  expect(of(0, [job("3", "running")])).toEqual({ start: 0, cancel: [] })
  expect(scale({ openTrials: 0, slotsPerAgent: 1, min: 1, max: 4, jobs: [] })).toEqual({ start: 1, cancel: [] })
})

it("writes a batch script that lets the agent itself hear of preemption, and quotes every word", () => {
  const script = batchScript(
    { partition: "gpu", gres: "gpu:1", time: "04:00:00", throttle: 2 },
    {
      name: "sweep-1",
      command: ["sweep", "agent", "--coordinator", "h:1", "--access", "it's mine.json"],
      directory: "/s/e",
    },
    3,
  )
  expect(script).toContain("#SBATCH --array=1-3%2\n")
  expect(script).toContain("#SBATCH --signal=TERM@60\n")
  expect(script).toContain("#SBATCH --no-requeue\n")
  expect(script.trimEnd().split("\n").at(-1)).toBe(
    "exec srun --ntasks=1 --gres=gpu:1 sweep agent --coordinator h:1 --access 'it'\\''s mine.json' --on-term release --notice 60s --id slurm-$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID --directory /s/e/$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID",
  )
})

it("reads Slurm's queue", () => {
  const text =
    "12|12|1|RUNNING|n1|None\n13|12|2|PENDING||Resources\n14|12|3|NODE_FAIL|n2|None\n15|12|4|COMPLETING|n3|None\n"
  expect(readQueue(text)).toEqual([
    { id: "12-1", state: "running", host: "n1", reason: null },
    { id: "12-2", state: "queued", host: null, reason: "Resources" },
    { id: "12-3", state: "ended", host: "n2", reason: "NODE_FAIL" },
    { id: "12-4", state: "running", host: "n3", reason: null },
  ])
  expect(agentIdOf("slurm", "12-1")).toBe("slurm-12-1")
})

it("keeps other people's Ray jobs out of it, and says what Ray answered when it refuses", async () => {
  const answer = [
    { submission_id: "a", status: "RUNNING", message: "running", metadata: { sweep: "sweep-1" }, driver_node_id: "n" },
    { submission_id: "b", status: "PENDING", message: "no resources", metadata: { sweep: "sweep-2" } },
    { submission_id: null, status: "RUNNING", metadata: null },
    { submission_id: "c", status: "FAILED", message: "exit 1", metadata: { sweep: "sweep-1" } },
  ]
  expect(readJobs(answer, "sweep-1")).toEqual([
    { id: "a", state: "running", host: "n", reason: "running" },
    { id: "c", state: "ended", host: null, reason: "exit 1" },
  ])
  const server = createServer((_, response) => response.writeHead(503).end("no such cluster")).listen(0, "127.0.0.1")
  await new Promise((done) => server.once("listening", done))
  try {
    const { port } = server.address() as { port: number }
    const refused = await Effect.runPromise(Effect.flip(ray({ address: `http://127.0.0.1:${port}` }).list("sweep-1")))
    expect(refused.message).toMatch(/did not take the request: 503: no such cluster/)
  } finally {
    server.close()
  }
})
