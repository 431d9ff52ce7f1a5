// The page: an HTTP server in the coordinator's process, for browsers. Owns the routes and the headers of every answer. It
// asks the coordinator what a command would ask, each request with the role that the command needs.
import { readFileSync } from "node:fs"
import { createServer as createPlain, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createSecure } from "node:https"
import type { AddressInfo, Server } from "node:net"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Tokens } from "@sweep/access/Tokens"
import { formatAddress } from "@sweep/grpc/address"
import { Audit } from "@sweep/protocol/Audit"
import { Caller } from "@sweep/protocol/Caller"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { type LivePage, loadLive } from "@sweep/reports/live"
import { unavailable } from "../exitCodes.ts"
import { Admission, type Guest, isRefusal, type Refusal } from "./Admission.ts"
import { defaultWebPort } from "./defaultWebPort.ts"
import { requestOf } from "./requests.ts"

const headers = (script: boolean) => ({
  "content-security-policy": `default-src 'none'; script-src ${script ? "'self'" : "'none'"}; style-src ${script ? "'self'" : "'none'"}; connect-src 'self'; worker-src ${script ? "'self'" : "'none'"}; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
})

/** Of a request's body. */
const mostBytes = 64 * 1024

export interface ServePage {
  readonly host: string
  /** 0 lets the system choose. Where none is named it is 7734, or a free one where that is taken. */
  readonly port: number | undefined
  readonly secured?: {
    readonly tokens: Tokens
    /** Where the key of the cookies is kept. */
    readonly directory: string
    /** The coordinator's certificate and key, PEM. */
    readonly certificate: string
  }
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = ""
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > mostBytes) throw new Error("too long")
  }
  return JSON.parse(text)
}

const json = (response: ServerResponse, status: number, value: unknown) => {
  const text = Buffer.from(JSON.stringify(value))
  const zipped = text.length > 1_000
  response.writeHead(status, {
    ...headers(false),
    "content-type": "application/json",
    ...(zipped ? { "content-encoding": "gzip" } : {}),
  })
  response.end(zipped ? gzipSync(text, { level: 1 }) : text)
}

const refuse = (response: ServerResponse, { status, message }: Refusal | { status: number; message: string }) =>
  json(response, status, { message })

const file = (response: ServerResponse, text: string, type: string) => {
  response.writeHead(200, {
    ...headers(type === "text/html"),
    "content-type": `${type}; charset=utf-8`,
    "content-encoding": "gzip",
  })
  response.end(gzipSync(text))
}

/** As a file to keep: what a trial left is never shown by the browser. */
const download = async (
  response: ServerResponse,
  { name, bytes, content }: { name: string; bytes: number; content: Stream.Stream<Uint8Array, unknown> },
) => {
  response.writeHead(200, {
    ...headers(false),
    "content-type": "application/octet-stream",
    "content-length": bytes,
    "content-disposition": `attachment; filename="${name.replaceAll(/[^A-Za-z0-9._-]/g, "_")}"`,
  })
  await pipeline(Readable.from(Stream.toAsyncIterable(content)), response)
}

const files = (page: LivePage): Readonly<Record<string, readonly [text: string, type: string]>> => ({
  "/": [page.html, "text/html"],
  "/live.js": [page.script, "text/javascript"],
  "/live.css": [page.style, "text/css"],
  "/importance.js": [page.importance, "text/javascript"],
})

const messageOf = (error: unknown): { status: number; message: string } => {
  const tag = (error as { readonly _tag?: string } | null)?._tag
  const message = (error as { readonly message?: string } | null)?.message ?? String(error)
  return tag === "NotFound"
    ? { status: 404, message }
    : tag === "Refused"
      ? { status: 409, message }
      : Schema.isSchemaError(error)
        ? { status: 400, message }
        : { status: 503, message }
}

/** Serves until the scope closes. Returns the address to open. */
export const servePage = Effect.fn("servePage")(function* (options: ServePage) {
  const { secured } = options
  const admission = new Admission(secured)
  const audit = yield* Audit
  const context = yield* Effect.context<SweepApi>()
  const page = files(yield* Effect.promise(loadLive))

  const record = (guest: Guest, what: string, request: IncomingMessage, refused: string | null) =>
    audit.record({
      caller: guest.caller,
      what: `page ${what}`,
      peer: request.socket.remoteAddress ?? null,
      about: { path: (request.url ?? "").slice(0, 200) },
      refused,
    })

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://page")
    const wrong = admission.addressed(request)
    if (wrong !== undefined) return refuse(response, wrong)
    if (url.pathname === "/link" && request.method === "POST") {
      const code = admission.link(request.headers.authorization)
      return typeof code === "string" ? json(response, 200, { path: `/open/${code}` }) : refuse(response, code)
    }
    if (url.pathname.startsWith("/open/") && request.method === "GET") {
      const cookie = admission.redeem(url.pathname.slice(6))
      if (cookie === undefined)
        return refuse(response, {
          status: 403,
          message: "this link was used, or is too old: sweep open prints another one",
        })
      response.writeHead(303, { ...headers(false), "set-cookie": cookie, location: "/" })
      return void response.end()
    }
    // What is the same for everybody holds nothing of anybody.
    const asset = page[url.pathname]
    if (asset !== undefined) {
      if (request.method !== "GET" && request.method !== "HEAD")
        return refuse(response, { status: 405, message: "only GET" })
      return file(response, ...asset)
    }
    const asked = requestOf(request.method ?? "", url)
    if (asked === undefined) return refuse(response, { status: 404, message: "there is nothing here" })
    const guest = admission.admit(request, asked.needs)
    if (isRefusal(guest)) {
      const looks = admission.admit(request, "read")
      if (!isRefusal(looks)) record(looks, asked.what, request, guest.message)
      return refuse(response, guest)
    }
    const run = Effect.runPromiseWith(context)
    const as = <A, E>(effect: Effect.Effect<A, E, SweepApi>) => effect.pipe(Effect.provideService(Caller, guest.caller))
    if (asked._tag === "Stream") {
      response.writeHead(200, { ...headers(false), "content-type": "text/event-stream", "x-accel-buffering": "no" })
      const send = (event: string, data: unknown, id?: string) => {
        // Whoever does not read for long comes back, and is told what changed meanwhile.
        if (response.writableLength > 8 * 1024 * 1024) return void response.destroy()
        response.write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
      }
      response.write("retry: 500\n\n")
      send("hello", { role: guest.role, name: guest.caller.name })
      const known = request.headers["last-event-id"] ?? url.searchParams.get("known") ?? undefined
      const alive = setInterval(() => {
        // A token that was revoked sees nothing more.
        if (isRefusal(admission.admit(request, "read"))) response.end()
        else response.write(": here\n\n")
      }, 2_000)
      const fiber = Effect.runForkWith(context)(as(asked.follow(send, typeof known === "string" ? known : undefined)))
      response.on("close", () => {
        clearInterval(alive)
        Effect.runFork(Fiber.interrupt(fiber))
      })
      fiber.addObserver(() => response.end())
      return
    }
    try {
      if (asked._tag === "Read") return json(response, 200, await run(as(asked.read)))
      if (asked._tag === "Download") return await download(response, await run(as(asked.file)))
      if (!(request.headers["content-type"] ?? "").startsWith("application/json")) {
        return refuse(response, { status: 415, message: "expected application/json" })
      }
      const body = await bodyOf(request).catch(() => undefined)
      const done = await run(as(asked.act(body)))
      record(guest, asked.what, request, null)
      return json(response, 200, done)
    } catch (error) {
      const said = messageOf(error)
      if (asked._tag === "Act") record(guest, asked.what, request, said.message)
      return refuse(response, said)
    }
  }

  const listener: RequestListener = (request, response) => {
    answer(request, response).catch(() => response.destroy())
  }
  const limits = { headersTimeout: 5_000, requestTimeout: 15_000, maxHeaderSize: 8_192 }
  const make = () => {
    if (secured === undefined) return createPlain(limits, listener)
    const pem = readFileSync(secured.certificate)
    return createSecure({ ...limits, key: pem, cert: pem, minVersion: "TLSv1.2" }, listener)
  }
  const open = (port: number) =>
    Effect.acquireRelease(listening(make(), options.host, port), (server) =>
      Effect.sync(() => {
        server.close()
        if ("closeAllConnections" in server) (server as ReturnType<typeof createPlain>).closeAllConnections()
      }),
    )
  const server = yield* options.port === undefined
    ? Effect.catch(open(defaultWebPort), () => open(0))
    : open(options.port)
  const { port } = server.address() as AddressInfo
  const host = options.host === "0.0.0.0" ? "127.0.0.1" : options.host === "::" ? "::1" : options.host
  return `${secured === undefined ? "http" : "https"}://${formatAddress({ host, port })}/`
})

const listening = (server: Server, host: string, port: number) =>
  Effect.callback<Server, ReturnType<typeof unavailable>>((resume) => {
    server.once("error", (error) =>
      resume(
        Effect.fail(
          unavailable(
            `the page cannot be served on port ${port}: ${error.message}. Choose another port with --web-port, or leave the page out with --no-web.`,
          ),
        ),
      ),
    )
    server.maxConnections = 512
    server.listen(port, host, () => resume(Effect.succeed(server)))
  })
