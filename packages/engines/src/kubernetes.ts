// Agents as Kubernetes Jobs, one for each, over the API server: inside a cluster by the pod's service account, elsewhere
// through `kubectl proxy`. Owns the manifest and reading what became of it. A Job is never restarted: the coordinator
// asks for another one when there is work. Its deletion is the notice: the pod gets SIGTERM, and its agent hands over.
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { request } from "./http.ts"
import { agentIdOf, type AgentJob, type Engine, EngineError, type EngineJob } from "./Engine.ts"

export interface KubernetesOptions {
  /** The API server, such as `http://127.0.0.1:8001` of `kubectl proxy`; inside a cluster it is known. */
  readonly address?: string
  readonly namespace?: string
  readonly image: string
  /** Of one agent, as `nvidia.com/gpu`. */
  readonly gpus?: number
  readonly cpus?: number
  /** Such as `32Gi`. */
  readonly memory?: string
  /** Kueue's queue. */
  readonly queue?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: ReadonlyArray<Readonly<Record<string, string | number>>>
  /** A Secret whose key `access.json` is the access file. */
  readonly secret?: string
  readonly pullSecret?: string
  /** A PersistentVolumeClaim for models and data, mounted at /data. */
  readonly claim?: string
  /** Seconds from SIGTERM to SIGKILL. */
  readonly notice?: number
}

const defaultNotice = 60
const label = "sweep-coordinator"
const accessAt = "/etc/sweep"
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

/** The Job of one agent. Pure. */
export const jobManifest = (options: KubernetesOptions, job: AgentJob, id: string) => {
  const { gpus, cpus, memory, queue, secret, claim, pullSecret, notice = defaultNotice } = options
  const argv = [...job.command]
  const access = argv.indexOf("--access")
  // The access file comes from the Secret; the coordinator's own path means nothing in a pod.
  if (access !== -1) argv.splice(access, 2)
  const resources = {
    ...(gpus === undefined ? {} : { "nvidia.com/gpu": String(gpus) }),
    ...(cpus === undefined ? {} : { cpu: String(cpus) }),
    ...(memory === undefined ? {} : { memory }),
  }
  const labels = { "app.kubernetes.io/name": "sweep-agent", [label]: job.name }
  const volumes = [
    { name: "work", emptyDir: {} },
    ...(secret === undefined ? [] : [{ name: "access", secret: { secretName: secret, defaultMode: 0o400 } }]),
    ...(claim === undefined ? [] : [{ name: "data", persistentVolumeClaim: { claimName: claim } }]),
  ]
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: id,
      labels: queue === undefined ? labels : { ...labels, "kueue.x-k8s.io/queue-name": queue },
    },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      ttlSecondsAfterFinished: 3_600,
      // Kueue lets it go when its turn has come.
      ...(queue === undefined ? {} : { suspend: true }),
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: "Never",
          terminationGracePeriodSeconds: notice,
          automountServiceAccountToken: false,
          ...(options.nodeSelector === undefined ? {} : { nodeSelector: options.nodeSelector }),
          ...(options.tolerations === undefined ? {} : { tolerations: options.tolerations }),
          ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1_000,
            fsGroup: 1_000,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [
            {
              name: "agent",
              image: options.image,
              command: [
                ...argv,
                ...(secret === undefined ? [] : ["--access", `${accessAt}/access.json`]),
                "--on-term",
                "release",
                "--notice",
                `${notice}s`,
                "--id",
                agentIdOf("kubernetes", id),
                "--directory",
                "/work/agent",
              ],
              env: [{ name: "SWEEP_HOME", value: "/work" }],
              resources: { limits: resources, requests: resources },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
              volumeMounts: [
                { name: "work", mountPath: "/work" },
                ...(secret === undefined ? [] : [{ name: "access", mountPath: accessAt, readOnly: true }]),
                ...(claim === undefined ? [] : [{ name: "data", mountPath: "/data" }]),
              ],
            },
          ],
          volumes,
        },
      },
    },
  }
}

const Text = Schema.optionalKey(Schema.String)
const Condition = Schema.Struct({ type: Schema.String, status: Schema.String, reason: Text, message: Text })
const Conditions = Schema.optionalKey(Schema.Array(Condition))
const Jobs = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, deletionTimestamp: Text }),
      spec: Schema.Struct({ suspend: Schema.optionalKey(Schema.Boolean) }),
      status: Schema.optionalKey(Schema.Struct({ conditions: Conditions })),
    }),
  ),
})
const Waiting = Schema.Struct({ reason: Text, message: Text })
const Pods = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)) }),
      spec: Schema.optionalKey(Schema.Struct({ nodeName: Text })),
      status: Schema.Struct({
        phase: Schema.String,
        conditions: Conditions,
        containerStatuses: Schema.optionalKey(
          Schema.Array(
            Schema.Struct({ state: Schema.optionalKey(Schema.Struct({ waiting: Schema.optionalKey(Waiting) })) }),
          ),
        ),
      }),
    }),
  ),
})

const words = (reason: string | undefined, message: string | undefined): string | null =>
  reason === undefined ? (message ?? null) : message === undefined ? reason : `${reason}: ${message}`

/** The answers to lists of Jobs and of pods. */
export const readKubernetes = (jobs: unknown, pods: unknown): ReadonlyArray<EngineJob> => {
  const podOf = new Map(
    Schema.decodeUnknownSync(Pods)(pods).items.map((pod) => [pod.metadata.labels?.["job-name"], pod] as const),
  )
  return Schema.decodeUnknownSync(Jobs)(jobs).items.map(({ metadata, spec, status }) => {
    const id = metadata.name
    const pod = podOf.get(id)
    const host = pod?.spec?.nodeName ?? null
    const over = status?.conditions?.find(
      ({ type, status: is }) => is === "True" && (type === "Complete" || type === "Failed"),
    )
    if (over !== undefined) {
      return { id, state: "ended", host, reason: words(over.reason ?? over.type, over.message) }
    }
    if (pod?.status.phase === "Running") return { id, state: "running", host, reason: null }
    if (pod?.status.phase === "Succeeded" || pod?.status.phase === "Failed") {
      return { id, state: "ended", host, reason: `its pod has ${pod.status.phase.toLowerCase()}` }
    }
    if (spec.suspend === true) return { id, state: "queued", host: null, reason: "Suspended: it waits for its queue" }
    const image = pod?.status.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state?.waiting
    const unscheduled = pod?.status.conditions?.find(
      ({ type, status: is }) => type === "PodScheduled" && is === "False",
    )
    const why = image ?? unscheduled
    return { id, state: "queued", host, reason: why === undefined ? null : words(why.reason, why.message) }
  })
}

/** Where the API server is, and what it is shown. The token is read each time: the cluster renews it. */
const server = (address: string | undefined) => {
  if (address !== undefined) return { url: address, token: undefined, ca: undefined }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = process.env
  if (host === undefined || !existsSync(`${serviceAccount}/token`)) {
    throw new Error(
      "this is no pod with a service account: give `address`, such as http://127.0.0.1:8001 of 'kubectl proxy'",
    )
  }
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    token: readFileSync(`${serviceAccount}/token`, "utf8").trim(),
    ca: readFileSync(`${serviceAccount}/ca.crt`, "utf8"),
  }
}

export const kubernetes = (options: KubernetesOptions): Engine => {
  const namespace =
    options.namespace ??
    (existsSync(`${serviceAccount}/namespace`) ? readFileSync(`${serviceAccount}/namespace`, "utf8").trim() : "default")
  const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`
  const ask = (method: "GET" | "POST" | "DELETE", path: string, body?: unknown) =>
    Effect.tryPromise({
      try: async () => {
        const { url, token, ca } = server(options.address)
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
        const answer = await request(new URL(path, url), { method, body, headers, ca })
        if (answer.status === 404 && method === "DELETE") return {}
        if (answer.status >= 300) throw new Error(`${answer.status}: ${messageOf(answer.text)}`)
        return JSON.parse(answer.text) as unknown
      },
      catch: (error) => {
        const { message, cause } = error as Error
        const why = cause instanceof Error ? `${message} (${cause.message})` : message
        return new EngineError({ message: `Kubernetes did not take the request: ${why}` })
      },
    })
  return {
    name: "kubernetes",
    start: (count, job) =>
      Effect.forEach(Array.from({ length: count }), () => {
        const id = `${job.name}-${randomBytes(4).toString("hex")}`
        return Effect.as(ask("POST", jobs, jobManifest(options, job, id)), id)
      }),
    list: (name) => {
      const selected = `?labelSelector=${encodeURIComponent(`${label}=${name}`)}`
      return Effect.flatMap(
        Effect.all([ask("GET", jobs + selected), ask("GET", `/api/v1/namespaces/${namespace}/pods${selected}`)]),
        ([jobList, podList]) =>
          Effect.try({
            try: () => readKubernetes(jobList, podList),
            catch: (error) =>
              new EngineError({ message: `Kubernetes answered something else: ${(error as Error).message}` }),
          }),
      )
    },
    cancel: (ids) =>
      Effect.forEach(ids, (id) => ask("DELETE", `${jobs}/${encodeURIComponent(id)}?propagationPolicy=Background`), {
        discard: true,
      }),
  }
}

/** The API server's own words: a Status object, or what a proxy says. */
const messageOf = (text: string): string => {
  try {
    const { message } = JSON.parse(text) as { message?: string }
    return message ?? text.slice(0, 500)
  } catch {
    return text.slice(0, 500)
  }
}
