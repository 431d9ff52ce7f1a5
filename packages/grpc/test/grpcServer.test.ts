import { createServer } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AgentId, Epoch, SweepId } from "@sweep/domain/Id"
import { formatAddress } from "../src/transport/address.ts"
import { AgentConnection, SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import { AgentGateway, type GatewaySession } from "@sweep/protocol/AgentGateway"
import type { AgentMessage } from "@sweep/protocol/AgentMessage"
import * as grpcAgentConnection from "../src/client/grpcAgentConnection.ts"
import { serveGrpc } from "../src/server/grpcServer.ts"
import * as grpcSweepApi from "../src/client/grpcSweepApi.ts"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { SweepServiceClient } from "@sweep/proto/sweep"
import { oldestProtocol, protocolHeader, protocolVersion } from "@sweep/protocol/versions"
import { credentials, Metadata } from "@grpc/grpc-js"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { eventsMessage, evalLosses } from "@sweep/protocol/ScriptedAgent"

const sweep = SweepId.make("s")
const host = "127.0.0.1"

/** A SweepApi of which only what a test gives works. */
const apiOf = (given: Partial<SweepApi["Service"]>) => Layer.succeed(SweepApi, given as SweepApi["Service"])

const gatewayOf = (serve: (session: GatewaySession) => Effect.Effect<void, SessionBroken | SessionRefused>) =>
  Layer.succeed(AgentGateway, { serve })

const nothing = Layer.merge(
  apiOf({}),
  gatewayOf(() => Effect.void),
)

const hello: AgentMessage = {
  _tag: "Hello",
  protocol: 1,
  agent: AgentId.make("a"),
  version: "1",
  hostname: "h",
  slots: [],
  trainers: [],
  held: [],
}

/** A session that lasts as long as the test's scope. */
const session = (port: number) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(grpcAgentConnection.layer({ address: `${host}:${port}` }))
    return yield* Context.get(context, AgentConnection).open
  })

describe("listening", () => {
  it.live("says which port is in use and what to do", () =>
    Effect.gen(function* () {
      const port = yield* Effect.callback<number>((resume) => {
        const server = createServer().listen(0, host, () => {
          const address = server.address()
          resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
        })
        return Effect.sync(() => server.close())
      })
      const error = yield* Effect.flip(Effect.scoped(serveGrpc({ host, port })))
      expect(error).toMatchObject({ _tag: "CannotListen", reason: "in-use" })
      expect(error.message).toMatch(new RegExp(`port ${port} .* in use .*--port`))
    }).pipe(Effect.provide(nothing)),
  )

  it.live.each(["0.0.0.0", "192.168.1.1", "example.org", "::", "127.0.0.1.example.org"])(
    "refuses %s without credentials",
    (name) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(serveGrpc({ host: name, port: 0 })))
        expect(error).toMatchObject({ reason: "not-loopback" })
        expect(error.message).toMatch(/refusing to listen/)
      }).pipe(Effect.provide(nothing)),
  )

  it.live("listens on IPv6 loopback, too, and frees the port in the end", () =>
    Effect.gen(function* () {
      const bound = yield* Effect.scoped(serveGrpc({ host: "::1", port: 0 }))
      expect(bound.port).toBeGreaterThan(0)
      yield* Effect.scoped(serveGrpc({ host: "::1", port: bound.port }))
    }).pipe(Effect.provide(nothing)),
  )
})

describe("a coordinator that is not there", () => {
  it.live("is told in one sentence with the remedy, at once", () =>
    Effect.gen(function* () {
      const free = yield* Effect.scoped(serveGrpc({ host, port: 0 }))
      const address = formatAddress(free)
      const error = yield* Effect.gen(function* () {
        return yield* Effect.flip((yield* SweepApi).status)
      }).pipe(Effect.provide(grpcSweepApi.layer({ address })))
      expect(error).toMatchObject({ _tag: "Unavailable" })
      expect(error.message).toBe(
        `no coordinator answers at ${address}; start one with \`sweep serve\`, or check the address`,
      )
      const opened = yield* session(free.port)
      const broken = yield* Effect.flip(Stream.runDrain(opened.incoming))
      expect(broken).toMatchObject({ _tag: "SessionBroken", message: expect.stringMatching(/no coordinator answers/) })
      expect(yield* Effect.flip(opened.send(hello))).toMatchObject({ _tag: "SessionBroken" })
    }).pipe(Effect.scoped, Effect.provide(nothing)),
  )
})

describe("a command of another version", () => {
  const statusSaying = (port: number, protocol: string | undefined) =>
    Effect.callback<string>((resume) => {
      const client = new SweepServiceClient(`${host}:${port}`, credentials.createInsecure())
      const metadata = new Metadata()
      if (protocol !== undefined) metadata.set(protocolHeader, protocol)
      client.status({}, metadata, (error) => {
        client.close()
        resume(Effect.succeed(error === null ? "ok" : error.details))
      })
    })

  it.live("is served within the window, and beyond it told what to upgrade", () =>
    Effect.gen(function* () {
      const { port } = yield* serveGrpc({ host, port: 0 })
      expect(yield* statusSaying(port, undefined)).toBe("ok")
      expect(yield* statusSaying(port, String(oldestProtocol))).toBe("ok")
      expect(yield* statusSaying(port, String(protocolVersion + 1))).toBe(
        `this command speaks version ${protocolVersion + 1} of the protocol, the coordinator ${oldestProtocol} to ${protocolVersion}: upgrade the coordinator`,
      )
      expect(yield* statusSaying(port, String(oldestProtocol - 1))).toMatch(/upgrade the command$/)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.merge(
          apiOf({ status: Effect.succeed({ version: "1", pid: 1, home: "/", agents: [] }) }),
          gatewayOf(() => Effect.void),
        ),
      ),
    ),
  )
})

describe("the end of a coordinator", () => {
  it.live("lets a request in progress finish and tells its streams", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const answer = yield* Deferred.make<void>()
      const api = apiOf({
        submit: () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.as(Deferred.await(answer), sweep)),
        watch: () => Stream.never,
      })
      const serving = yield* Deferred.make<number>()
      const server = yield* Effect.forkChild(
        Effect.gen(function* () {
          yield* Deferred.succeed(serving, (yield* serveGrpc({ host, port: 0 })).port)
          yield* Deferred.await(asked)
          yield* Effect.sleep("10 millis")
        }).pipe(
          Effect.scoped,
          Effect.provide(
            Layer.merge(
              api,
              gatewayOf(() => Effect.never),
            ),
          ),
        ),
      )
      const port = yield* Deferred.await(serving)
      const agent = yield* session(port)
      yield* agent.send(hello)
      yield* Effect.gen(function* () {
        const client = yield* SweepApi
        const watching = yield* Effect.forkChild(Effect.flip(Stream.runDrain(client.watch(sweep))))
        yield* Effect.sleep("50 millis")
        const submitted = yield* Effect.forkChild(client.submit(exampleSpec()))
        yield* Deferred.await(asked)
        expect(yield* Fiber.join(watching)).toMatchObject({
          _tag: "Unavailable",
          message: expect.stringMatching(/shutting down/),
        })
        expect(yield* Effect.flip(Stream.runDrain(agent.incoming))).toMatchObject({ _tag: "SessionBroken" })
        yield* Deferred.succeed(answer, undefined)
        expect(yield* Fiber.join(submitted)).toBe(sweep)
      }).pipe(Effect.provide(grpcSweepApi.layer({ address: `${host}:${port}` })))
      yield* Fiber.join(server)
    }).pipe(Effect.scoped),
  )
})

describe("a session over gRPC", () => {
  const served = <A, E>(
    serve: (session: GatewaySession) => Effect.Effect<void, SessionBroken | SessionRefused>,
    use: (port: number) => Effect.Effect<A, E, Scope.Scope>,
  ) =>
    Effect.gen(function* () {
      const { port } = yield* serveGrpc({ host, port: 0 })
      return yield* use(port)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(apiOf({}), gatewayOf(serve))))

  it.live("tells why it was refused, or broken, and that it ended", () => {
    const ends = [
      Effect.fail(new SessionRefused({ message: "upgrade the agent — 升级" })),
      Effect.fail(new SessionBroken({ message: "the disk is full" })),
      Effect.die(new Error("a secret of the server's")),
      Effect.void,
    ]
    let next = 0
    return served(
      () => ends[next++]!,
      (port) =>
        Effect.gen(function* () {
          const over = Effect.gen(function* () {
            const { incoming } = yield* session(port)
            return yield* Effect.exit(Stream.runDrain(incoming))
          })
          const flip = Effect.flatMap(over, (exit) => Effect.flip(exit))
          expect(yield* flip).toEqual(new SessionRefused({ message: "upgrade the agent — 升级" }))
          expect(yield* flip).toEqual(new SessionBroken({ message: "the disk is full" }))
          const defect = yield* flip
          expect(defect._tag).toBe("SessionBroken")
          expect(defect.message).not.toMatch(/secret/)
          expect((yield* over)._tag).toBe("Success")
        }),
    )
  })

  it.live("refuses what it cannot read, and names the field", () =>
    served(
      ({ incoming }) => Stream.runDrain(incoming),
      (port) =>
        Effect.gen(function* () {
          const { send, incoming } = yield* session(port)
          const events = eventsMessage(Epoch.make(1), evalLosses(1))
          yield* send({ ...events, points: { ...events.points, metrics: [] } })
          expect(yield* Effect.flip(Stream.runDrain(incoming))).toMatchObject({
            _tag: "SessionRefused",
            message: expect.stringMatching(/points\.metric/),
          })
        }),
    ),
  )

  it.live("breaks at a message above the limit, and nothing else does", () =>
    served(
      ({ incoming }) => Stream.runDrain(incoming),
      (port) =>
        Effect.gen(function* () {
          const one = yield* session(port)
          const other = yield* session(port)
          const text = "x".repeat(9 * 1024 * 1024)
          yield* one.send({ _tag: "Log", epoch: Epoch.make(1), stream: "stdout", offset: 0, end: text.length, text })
          expect(yield* Effect.flip(Stream.runDrain(one.incoming))).toMatchObject({
            _tag: "SessionBroken",
            message: expect.stringMatching(/too large/),
          })
          yield* other.send(hello)
        }),
    ),
  )

  it.live("slows a sender down whose messages nobody takes", () => {
    let taken = 0
    return served(
      ({ incoming }) =>
        Stream.runForEach(incoming, () => {
          taken++
          return Effect.never
        }),
      (port) =>
        Effect.gen(function* () {
          const { send } = yield* session(port)
          const text = "x".repeat(100_000)
          let sent = 0
          yield* Effect.forever(
            Effect.andThen(
              send({ _tag: "Log", epoch: Epoch.make(1), stream: "stdout", offset: 0, end: text.length, text }),
              Effect.sync(() => sent++),
            ),
          ).pipe(Effect.timeoutOption("1500 millis"))
          expect(taken).toBe(1)
          // The windows of both sides and the queue: some 100 messages, and not as many as fit into the time.
          expect(sent).toBeGreaterThan(10)
          expect(sent).toBeLessThan(400)
        }),
    )
  })
})
