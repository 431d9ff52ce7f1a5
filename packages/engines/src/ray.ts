// Agents as Ray jobs, over the HTTP API of Ray's dashboard: nothing of Ray has to be installed where the coordinator
// runs. Owns the requests. A job's resources are its entry point's, so that Ray's autoscaler sees the demand.
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { agentIdOf, type Engine, EngineError, type EngineJob } from "./Engine.ts"
import { request } from "./http.ts"
import { quoted } from "./quoted.ts"

export interface RayOptions {
  /** Of the dashboard, such as `http://127.0.0.1:8265`. */
  readonly address: string
  readonly gpus?: number
  readonly cpus?: number
  /** Bytes. */
  readonly memory?: number
  /** Seconds an agent gets to save and give its trials back; Ray kills a stopped job after it. */
  readonly notice?: number
}

const defaultNotice = 30

const Job = Schema.Struct({
  submission_id: Schema.NullOr(Schema.String),
  status: Schema.String,
  message: Schema.optionalKey(Schema.NullOr(Schema.String)),
  metadata: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String))),
  driver_node_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
})

const states: Readonly<Record<string, EngineJob["state"]>> = { PENDING: "queued", RUNNING: "running" }

/** The answer to `GET /api/jobs/`, of the jobs of that name. */
export const readJobs = (answer: unknown, name: string): ReadonlyArray<EngineJob> =>
  Schema.decodeUnknownSync(Schema.Array(Job))(answer)
    .filter((job) => job.submission_id !== null && job.metadata?.["sweep"] === name)
    .map((job) => ({
      id: job.submission_id!,
      state: states[job.status] ?? "ended",
      host: job.driver_node_id ?? null,
      reason: job.message ?? null,
    }))

export const ray = (options: RayOptions): Engine => {
  const { address, gpus, cpus, memory, notice = defaultNotice } = options
  const ask = (method: "GET" | "POST", path: string, body?: unknown) =>
    Effect.tryPromise({
      try: async () => {
        const { status, text } = await request(new URL(path, address), { method, body })
        if (status >= 300) throw new Error(`${status}: ${text.slice(0, 500)}`)
        return JSON.parse(text) as unknown
      },
      catch: (error) => {
        const { message, cause } = error as Error
        const why = cause instanceof Error ? `${message} (${cause.message})` : message
        return new EngineError({ message: `Ray at ${address} did not take the request: ${why}` })
      },
    })
  return {
    name: "ray",
    start: (count, job) =>
      Effect.forEach(Array.from({ length: count }), () => {
        const id = `${job.name}-${randomUUID().slice(0, 8)}`
        const agent = [
          ...job.command,
          "--on-term",
          "release",
          "--notice",
          `${notice}s`,
          "--id",
          agentIdOf("ray", id),
          "--directory",
          join(job.directory, id),
        ]
        return Effect.as(
          ask("POST", "/api/jobs/", {
            submission_id: id,
            // Ray runs it through a shell; `exec`, so that a stop reaches the agent.
            entrypoint: `exec ${agent.map(quoted).join(" ")}`,
            metadata: { sweep: job.name },
            runtime_env: { env_vars: { RAY_JOB_STOP_WAIT_TIME_S: String(notice) } },
            ...(gpus === undefined ? {} : { entrypoint_num_gpus: gpus }),
            ...(cpus === undefined ? {} : { entrypoint_num_cpus: cpus }),
            ...(memory === undefined ? {} : { entrypoint_memory: memory }),
          }),
          id,
        )
      }),
    list: (name) =>
      Effect.flatMap(ask("GET", "/api/jobs/"), (answer) =>
        Effect.try({
          try: () => readJobs(answer, name),
          catch: (error) =>
            new EngineError({ message: `Ray at ${address} answered something else: ${(error as Error).message}` }),
        }),
      ),
    cancel: (ids) =>
      Effect.forEach(
        ids,
        // A job that has ended meanwhile is refused; `list` says what became of it.
        (id) => Effect.ignore(ask("POST", `/api/jobs/${encodeURIComponent(id)}/stop`)),
        { discard: true },
      ),
  }
}
