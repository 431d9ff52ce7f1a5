// The endpoint that a Prometheus server asks, on loopback only: it asks nobody for a token. Owns the HTTP side, which a
// browser on the same machine can reach, too: a request that a web page could have caused is refused, whatever it asks for.
import { readFileSync, statfsSync, statSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Effect from "effect/Effect"
import { timeLeft } from "@sweep/access/Authority"
import { isLoopback, parseAddress } from "@sweep/grpc/address"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { unavailable } from "../exitCodes.ts"
import { exposition, type Observed } from "./exposition.ts"
import { newestBackup } from "./scheduledBackups.ts"

const headers = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
}

/** The status to refuse with, and why; `undefined` when there is nothing wrong. Of every method. */
const wrong = (request: IncomingMessage): readonly [status: number, message: string] | undefined => {
  // A name that somebody made point at this machine (DNS rebinding) stands in Host.
  const host = parseAddress(request.headers.host ?? "")
  if (host === undefined || !isLoopback(host.host) || host.port !== request.socket.localPort) {
    return [403, "the Host of this request is not the address this endpoint has"]
  }
  // Only web pages send one, and none has business here.
  if (request.headers.origin !== undefined) return [403, "requests of web pages are refused"]
  if (request.method !== "GET" && request.method !== "HEAD") return [405, "only GET and HEAD"]
  if (request.url !== "/metrics") return [404, "there is only /metrics"]
  return undefined
}

const answer = (response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8") => {
  response.writeHead(status, { ...headers, "content-type": type, ...(status === 405 ? { allow: "GET, HEAD" } : {}) })
  response.end(text)
}

const sizeOf = (path: string): number => {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}

export interface ServeMetrics {
  /** 0 lets the system choose. */
  readonly port: number
  /** Where the database lies. */
  readonly store: string
  /** The coordinator's certificate, where it has one. */
  readonly certificate: string | undefined
  readonly databaseInPlace: () => boolean
  /** Where scheduled backups go. */
  readonly backups: string | undefined
}

/** Serves until the scope closes. Returns the port. */
export const serveMetrics = Effect.fn("serveMetrics")(function* (options: ServeMetrics) {
  const api = yield* SweepApi
  const delay = monitorEventLoopDelay()
  delay.enable()
  yield* Effect.addFinalizer(() => Effect.sync(() => delay.disable()))

  const observe = Effect.gen(function* () {
    const { version, agents } = yield* api.status
    const sweeps = yield* api.list
    const file = join(options.store, "sweep.duckdb")
    const disk = statfsSync(options.store)
    const { user, system } = process.cpuUsage()
    const held = delay.max / 1e9
    delay.reset()
    return {
      version,
      agents,
      sweeps,
      storeBytes: sizeOf(file) + sizeOf(`${file}.wal`),
      diskFreeBytes: disk.bavail * disk.bsize,
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      startedAtSeconds: Math.round(Date.now() / 1000 - process.uptime()),
      eventLoopDelaySeconds: held,
      databaseInPlace: options.databaseInPlace(),
      backupSeconds: options.backups === undefined ? null : Math.round(newestBackup(options.backups) / 1000),
      certificateEndsSeconds:
        options.certificate === undefined
          ? null
          : Math.round((Date.now() + timeLeft(readFileSync(options.certificate, "utf8"))) / 1000),
    } satisfies Observed
  })

  const run = yield* Effect.context<never>().pipe(Effect.map((context) => Effect.runPromiseWith(context)))
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const refused = wrong(request)
    if (refused !== undefined) return answer(response, refused[0], `${refused[1]}\n`)
    run(observe).then(
      (seen) => answer(response, 200, exposition(seen), "text/plain; version=0.0.4; charset=utf-8"),
      () => answer(response, 503, "the coordinator cannot say now\n"),
    )
  }
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000, maxHeaderSize: 8_192 }, handle)
  server.maxConnections = 16
  yield* Effect.acquireRelease(listening(server, options.port), () =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    }),
  )
  return (server.address() as AddressInfo).port
})

const listening = (server: Server, port: number) =>
  Effect.callback<void, ReturnType<typeof unavailable>>((resume) => {
    server.once("error", (error) =>
      resume(Effect.fail(unavailable(`the metrics cannot be served on port ${port}: ${error.message}`))),
    )
    server.listen(port, "127.0.0.1", () => resume(Effect.void))
  })
