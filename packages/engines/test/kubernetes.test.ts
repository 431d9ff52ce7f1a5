// Against recorded answers of an API server (1.31's form), and the manifest as it is sent. The schema check of every
// manifest, with Kubernetes' own schemas, is `npm run engines`'.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { jobManifest, kubernetes, readKubernetes } from "../src/kubernetes.ts"

const job = {
  name: "sweep-1",
  command: ["sweep", "agent", "--coordinator", "sweep:7733", "--access", "/c/a.json"],
  directory: "/s",
}

it("asks for one pod with its devices, queue, nodes and secret, which nobody restarts", () => {
  const manifest = jobManifest(
    {
      image: "registry/sweep:1",
      gpus: 1,
      cpus: 4,
      memory: "32Gi",
      queue: "team-a",
      nodeSelector: { spot: "true" },
      tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
      secret: "sweep-agents",
      claim: "models",
      notice: 45,
    },
    job,
    "sweep-1-ab",
  )
  expect(manifest.metadata.labels).toEqual({
    "app.kubernetes.io/name": "sweep-agent",
    "sweep-coordinator": "sweep-1",
    "kueue.x-k8s.io/queue-name": "team-a",
  })
  expect(manifest.spec).toMatchObject({ backoffLimit: 0, suspend: true })
  const pod = manifest.spec.template.spec
  expect(pod).toMatchObject({
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 45,
    nodeSelector: { spot: "true" },
  })
  const [container] = pod.containers
  expect(container!.resources.limits).toEqual({ "nvidia.com/gpu": "1", cpu: "4", memory: "32Gi" })
  expect(container!.command.join(" ")).toBe(
    "sweep agent --coordinator sweep:7733 --access /etc/sweep/access.json --on-term release --notice 45s --id kubernetes-sweep-1-ab --directory /work/agent",
  )
})

const condition = (type: string, status: string, reason: string, message: string) => ({ type, status, reason, message })
const jobs = {
  kind: "JobList",
  apiVersion: "batch/v1",
  items: [
    { metadata: { name: "runs" }, spec: {}, status: { active: 1 } },
    { metadata: { name: "pulls" }, spec: {}, status: { active: 1 } },
    { metadata: { name: "waits" }, spec: {}, status: { active: 1 } },
    { metadata: { name: "queued" }, spec: { suspend: true }, status: {} },
    {
      metadata: { name: "failed" },
      spec: {},
      status: {
        failed: 1,
        conditions: [
          condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
        ],
      },
    },
  ],
}
const pod = (name: string, phase: string, more: object = {}) => ({
  metadata: { name: `${name}-x`, labels: { "job-name": name } },
  spec: { nodeName: phase === "Running" ? "node-1" : undefined },
  status: { phase, ...more },
})
const pods = {
  kind: "PodList",
  items: [
    pod("runs", "Running", { containerStatuses: [{ state: { running: {} } }] }),
    pod("pulls", "Pending", {
      containerStatuses: [
        { state: { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "x"' } } },
      ],
    }),
    pod("waits", "Pending", {
      conditions: [
        condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),
      ],
    }),
  ],
}

it("reads what became of the Jobs, and why pods wait, in the cluster's words", () => {
  const answers = JSON.parse(JSON.stringify([jobs, pods]))
  expect(readKubernetes(answers[0], answers[1])).toEqual([
    { id: "runs", state: "running", host: "node-1", reason: null },
    { id: "pulls", state: "queued", host: null, reason: 'ImagePullBackOff: Back-off pulling image "x"' },
    {
      id: "waits",
      state: "queued",
      host: null,
      reason: "Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
    },
    { id: "queued", state: "queued", host: null, reason: "Suspended: it waits for its queue" },
    {
      id: "failed",
      state: "ended",
      host: null,
      reason: "BackoffLimitExceeded: Job has reached the specified backoff limit",
    },
  ])
})

it("says the API server's words when it refuses, and takes a Job that is gone for cancelled", async () => {
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const [status, message] =
      request.method === "DELETE"
        ? [404, "not found"]
        : [403, "jobs.batch is forbidden: exceeded quota: team, requested: count/jobs.batch=1"]
    response.writeHead(status as number).end(JSON.stringify({ kind: "Status", status: "Failure", message }))
  }).listen(0, "127.0.0.1")
  await new Promise((done) => server.once("listening", done))
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const engine = kubernetes({ address, image: "x", namespace: "team" })
    const refused = await Effect.runPromise(Effect.flip(engine.start(1, job)))
    expect(refused.message).toMatch(/did not take the request: 403: .*exceeded quota/)
    await Effect.runPromise(engine.cancel(["sweep-1-ab"]))
    expect(asked).toEqual([
      "POST /apis/batch/v1/namespaces/team/jobs",
      "DELETE /apis/batch/v1/namespaces/team/jobs/sweep-1-ab?propagationPolicy=Background",
    ])
  } finally {
    server.close()
  }
})
