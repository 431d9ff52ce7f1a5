import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it, onTestFinished } from "vitest"
import { AgentId } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { exposition } from "../src/serving/exposition.ts"
import { serveMetrics } from "../src/serving/serveMetrics.ts"
import { exampleView } from "./exampleView.ts"

const agents = (["connected", "quarantined"] as const).map((state) => ({
  agent: AgentId.make(state),
  version: "1",
  hostname: "host",
  slots: [],
  trainers: [],
  running: [],
  state,
}))
const { sweep } = exampleView

const served = Layer.succeed(SweepApi, {
  status: Effect.succeed({ version: '1"2', pid: 1, home: "/", agents }),
  list: Effect.succeed([sweep]),
} as unknown as SweepApi["Service"])

/** With headers as they are given, which fetch would not send. */
const ask = (port: number, options: { method?: string; path?: string; headers?: Record<string, string> } = {}) =>
  Effect.promise(
    () =>
      new Promise<{ status: number; text: string; headers: NodeJS.Dict<string | ReadonlyArray<string>> }>(
        (resolve, reject) => {
          const { method = "GET", path = "/metrics", headers = {} } = options
          const call = request({ host: "127.0.0.1", port, method, path, headers }, (response) => {
            let text = ""
            response.on("data", (chunk) => (text += chunk))
            response.on("end", () => resolve({ status: response.statusCode!, text, headers: response.headers }))
          })
          call.once("error", reject).end()
        },
      ),
  )

const serving = <A, E>(use: (port: number) => Effect.Effect<A, E>) => {
  const store = mkdtempSync(join(tmpdir(), "sweep-metrics-"))
  onTestFinished(() => rmSync(store, { recursive: true }))
  writeFileSync(join(store, "sweep-2026-01-02T03-04-05Z.duckdb"), "")
  utimesSync(join(store, "sweep-2026-01-02T03-04-05Z.duckdb"), 1_767_323_045, 1_767_323_045)
  const of = { port: 0, store, certificate: undefined, databaseInPlace: () => false, backups: store }
  return Effect.runPromise(Effect.flatMap(serveMetrics(of), use).pipe(Effect.scoped, Effect.provide(served)))
}

describe("the metrics", () => {
  it("are what is asked for, each with its help and type", () =>
    serving((port) =>
      Effect.gen(function* () {
        const { status, text, headers } = yield* ask(port)
        expect(status).toBe(200)
        expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8")
        expect(headers["content-security-policy"]).toMatch(/^default-src 'none'/)
        expect(text).toContain('sweep_info{version="1\\"2"} 1\n')
        expect(text).toContain('sweep_agents{state="quarantined"} 1\n')
        expect(text).toContain('sweep_agents{state="lost"} 0\n')
        const completed = Array.from(sweep.trials.values()).filter(({ state }) => state === "completed").length
        expect(completed).toBeGreaterThan(0)
        expect(text).toContain(`sweep_trials{state="completed"} ${completed}\n`)
        expect(text).toContain("sweep_database_in_place 0\n")
        expect(text).toContain("sweep_last_backup_timestamp_seconds 1767323045\n")
        for (const line of text.trimEnd().split("\n")) {
          expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"\})? [0-9.e+-]+)$/)
        }
        expect((yield* ask(port, { method: "HEAD" })).text).toBe("")
      }),
    ))

  it("are refused to what a web page could have asked, by whatever method", () =>
    serving((port) =>
      Effect.gen(function* () {
        for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
          for (const headers of [
            { host: `evil.example:${port}` },
            { host: `127.0.0.1.evil.example:${port}` },
            { host: `localhost:${port + 1}` },
            { host: "localhost" },
            { origin: "http://evil.example" },
            { origin: `http://127.0.0.1:${port}` },
            { origin: "null" },
          ]) {
            const refused = yield* ask(port, { method, headers })
            expect([method, headers, refused.status]).toEqual([method, headers, 403])
            expect(refused.headers["access-control-allow-origin"]).toBeUndefined()
            expect(refused.text).not.toContain("sweep_")
          }
        }
        for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
          expect((yield* ask(port, { headers: { host } })).status).toBe(200)
        }
        expect((yield* ask(port, { method: "POST" })).status).toBe(405)
        for (const path of ["/", "/metrics/..", "/metrics?x", "//metrics", "/%6detrics"]) {
          expect((yield* ask(port, { path })).status).toBe(404)
        }
      }),
    ))

  it("escape what stands in a label", () => {
    const nothing = { agents: [], sweeps: [], storeBytes: 0, diskFreeBytes: 0, residentBytes: 0, cpuSeconds: 0 }
    const rest = {
      startedAtSeconds: 0,
      eventLoopDelaySeconds: 0,
      certificateEndsSeconds: null,
      databaseInPlace: true,
      backupSeconds: null,
    }
    expect(exposition({ ...nothing, ...rest, version: 'a\n"\\' })).toContain('version="a\\n\\"\\\\"')
  })
})
