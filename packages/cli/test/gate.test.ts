import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTcp, type Socket } from "node:net"
import { connect } from "node:tls"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, it, onTestFinished } from "vitest"
import { type AccessFile, readAccessFile } from "@sweep/access/AccessFile"
import { authorityFiles, makeCertificates } from "@sweep/access/Authority"
import { createToken } from "@sweep/access/createToken"
import { makeToken, recordOf, Tokens } from "@sweep/access/Tokens"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { Role, serverName } from "@sweep/domain/Role"
import { AgentConnection, SessionRefused } from "@sweep/protocol/AgentConnection"
import { AgentGateway } from "@sweep/protocol/AgentGateway"
import { defaultLimits } from "@sweep/grpc/connections"
import { neededRole } from "@sweep/grpc/Gate"
import * as grpcAgentConnection from "@sweep/grpc/grpcAgentConnection"
import { serveGrpc } from "@sweep/grpc/grpcServer"
import * as grpcSweepApi from "@sweep/grpc/grpcSweepApi"
import { NotFound, Refused, SweepApi, Unavailable } from "@sweep/protocol/SweepApi"
import { serverCredentials } from "@sweep/grpc/tls"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { gateOf } from "../src/serving/gate.ts"

/** What every call that gets through is answered. */
const through = new Refused({ message: "the call got through" })
const api = new Proxy({} as SweepApi["Service"], {
  get: (_, method) => {
    const answer = ["watch", "logs", "exportParquet", "fetchArtifact", "backup"].includes(String(method))
      ? Stream.fail(through)
      : Effect.fail(through)
    return ["status", "list", "backup"].includes(String(method)) ? answer : () => answer
  },
})
const served = Layer.merge(
  Layer.succeed(SweepApi, api),
  Layer.succeed(AgentGateway, { serve: () => Effect.fail(new SessionRefused({ message: through.message })) }),
)

const sweep = SweepId.make("s")
/** Those of the agents' service. */
type AgentMethod = "session" | "offerArtifacts" | "putArtifact" | "listCheckpoint" | "fetchCheckpoint" | "fetchSources"

/** One call of each method for people. */
const calls = {
  status: (client: SweepApi["Service"]) => client.status,
  submit: (client) => client.submit(exampleSpec()),
  offerSources: (client) => client.offerSources([]),
  putSources: (client) => client.putSources([]),
  list: (client) => client.list,
  get: (client) => client.get(sweep),
  results: (client) => client.results(sweep, { maxPoints: 4 }),
  watch: (client) => Stream.runDrain(client.watch(sweep)),
  control: (client) => client.control(sweep, null, "stop", said("test")),
  orderAgent: (client) => client.orderAgent(AgentId.make("a"), "drain", "test"),
  agentLog: (client) => client.agentLog(AgentId.make("a")),
  ask: (client) => client.ask(sweep),
  tell: (client) => client.tell(sweep, TrialNumber.make(1), { reports: [], end: null }),
  extend: (client) => client.extend(sweep, exampleSpec(), 1),
  clone: (client) => client.clone(sweep, TrialNumber.make(1), {}),
  remove: (client) => client.remove(sweep, { preview: false }),
  logs: (client) => Stream.runDrain(client.logs(sweep, TrialNumber.make(1), { stream: "stdout", follow: false })),
  query: (client) => client.query("SELECT 1", 1),
  backup: (client) => Stream.runDrain(client.backup),
  exportParquet: (client) => Stream.runDrain(client.exportParquet(sweep)),
  listArtifacts: (client) => client.artifacts(sweep, null),
  fetchArtifact: (client) =>
    Stream.runDrain(
      client.fetchArtifact(sweep, { trial: TrialNumber.make(1), epoch: Epoch.make(1), path: "adapter/a" }, 0),
    ),
} satisfies Record<
  Exclude<keyof typeof neededRole, AgentMethod>,
  (client: SweepApi["Service"]) => Effect.Effect<unknown, NotFound | Refused | Unavailable>
>

const place = async () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-gate-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const authority = join(directory, "tls")
  await makeCertificates(authority, false)
  const tokens = new Tokens(join(authority, "tokens.json"))
  const access = async (name: string, role: Role) => {
    const file = join(directory, `${name}.json`)
    await createToken(tokens, { authority, name, role, file })
    return readAccessFile(file)
  }
  return { authority, tokens, access }
}

const serve = (authority: string, tokens: Tokens) => {
  const { ca, server } = authorityFiles(authority)
  const credentials = serverCredentials({ ca, server, onProblem: () => {} })
  return Effect.map(
    serveGrpc({ host: "127.0.0.1", port: 0, secured: { credentials, gate: gateOf(tokens) } }),
    ({ port }) => `127.0.0.1:${port}`,
  )
}

/** What a call through `access` comes to. */
const outcome = (
  address: string,
  access: AccessFile | undefined,
  call: (client: SweepApi["Service"]) => Effect.Effect<unknown, NotFound | Refused | Unavailable>,
) =>
  Effect.gen(function* () {
    const options = { address, access: access === undefined ? undefined : () => access }
    const client = Context.get(yield* Layer.build(grpcSweepApi.layer(options)), SweepApi)
    const { message } = yield* Effect.flip(call(client))
    return message
  }).pipe(Effect.scoped)

const session = (address: string, access: AccessFile) =>
  Effect.gen(function* () {
    const layer = grpcAgentConnection.layer({ address, access: () => access })
    const { open } = Context.get(yield* Layer.build(layer), AgentConnection)
    const { incoming } = yield* open
    const { message } = yield* Effect.flip(Stream.runDrain(incoming))
    return message
  }).pipe(Effect.scoped)

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope | SweepApi | AgentGateway>) =>
  Effect.runPromise(effect.pipe(Effect.scoped, Effect.provide(served)))

describe("a coordinator with tokens", () => {
  it("lets each role do what it may, of every method, and nothing else", async () => {
    const { authority, tokens, access } = await place()
    const files = new Map(
      await Promise.all(Role.literals.map(async (role) => [role, await access(role, role)] as const)),
    )
    const read = [
      "status",
      "list",
      "get",
      "results",
      "watch",
      "logs",
      "agentLog",
      "query",
      "exportParquet",
      "backup",
      "listArtifacts",
      "fetchArtifact",
    ]
    const allowed: Record<Role, ReadonlyArray<string>> = {
      read,
      submit: [
        ...read,
        "offerSources",
        "putSources",
        "submit",
        "control",
        "orderAgent",
        "ask",
        "tell",
        "extend",
        "clone",
        "remove",
      ],
      agent: ["session"],
    }
    await run(
      Effect.gen(function* () {
        const address = yield* serve(authority, tokens)
        for (const [role, file] of files) {
          for (const [method, call] of Object.entries(calls)) {
            const said = yield* outcome(address, file, call)
            const expected = allowed[role].includes(method) ? through.message : `has the role ${role}, and this needs`
            expect(said, `${role} ${method}`).toContain(expected)
          }
          const said = yield* session(address, file)
          expect(said, `${role} session`).toContain(
            role === "agent" ? through.message : `has the role ${role}, and this needs agent`,
          )
        }
      }),
    )
  })

  it("turns away who has no token, another's certificate, or another authority's", async () => {
    const { authority, tokens, access } = await place()
    const [ana, bo] = [await access("ana", "submit"), await access("bo", "submit")]
    const foreign = await (await place()).access("ana", "submit")
    await run(
      Effect.gen(function* () {
        const address = yield* serve(authority, tokens)
        const said = (file: AccessFile | undefined) => outcome(address, file, calls.status)
        expect(yield* said(ana)).toContain(through.message)
        expect(yield* said(undefined)).toContain("--access FILE or SWEEP_ACCESS")
        expect(yield* said({ ...ana, token: foreign.token })).toContain("does not know this token")
        expect(yield* said({ ...ana, token: bo.token })).toContain("do not belong together")
        expect(yield* said(foreign)).toContain("is not signed by the authority of your access file")
        // The handshake fails before any call.
        const { certificate, key } = foreign
        expect(yield* said({ ...ana, certificate, key })).toContain("does not accept the certificate")
        // A client's certificate is not a coordinator's: its holder cannot pose as one.
        const posing = join(authority, "posing.pem")
        writeFileSync(posing, ana.key + ana.certificate)
        const credentials = serverCredentials({ ca: authorityFiles(authority).ca, server: posing, onProblem: () => {} })
        const { port } = yield* serveGrpc({
          host: "127.0.0.1",
          port: 0,
          secured: { credentials, gate: gateOf(tokens) },
        })
        expect(yield* outcome(`127.0.0.1:${port}`, bo, calls.status)).not.toContain(through.message)
      }),
    )
  })

  it("binds a token to its agent, or to those whose ids begin as it says; an older one to none that another is for", async () => {
    const { tokens, access } = await place()
    const gate = gateOf(tokens)
    const bound = await access("gpu1", "agent")
    await access("gpu2", "agent")
    const speaks = async (token: string, ids: ReadonlyArray<string>) => {
      const id = token.split("_")[1]!
      const caller = await Effect.runPromise(gate.admit({ token, certificate: id }, "agent"))
      return ids.map((agent) => caller.speaksFor(AgentId.make(agent)))
    }
    expect(await speaks(bound.token, ["gpu1", "gpu2", "gpu11", "gpu"])).toEqual([true, false, false, false])
    const made = [makeToken(), makeToken()] as const
    tokens.add(recordOf(made[0], { name: "farm", role: "agent", file: "x", agent: "farm-*" }))
    expect(await speaks(made[0].token, ["farm-", "farm-1", "farm", "gpu1"])).toEqual([false, true, false, false])
    tokens.add(recordOf(made[1], { name: "older", role: "agent", file: "y" }))
    expect(await speaks(made[1].token, ["gpu1", "farm-1", "other"])).toEqual([false, false, true])
  })

  it("ends the session of an agent whose token is revoked, and takes no new one", async () => {
    const { authority, tokens, access } = await place()
    const host = await access("host", "agent")
    const lasting = Layer.merge(
      Layer.succeed(SweepApi, api),
      Layer.succeed(AgentGateway, { serve: () => Effect.never }),
    )
    await Effect.runPromise(
      Effect.gen(function* () {
        const address = yield* serve(authority, tokens)
        const ended = yield* Effect.forkScoped(session(address, host))
        yield* Effect.sleep("200 millis")
        expect(ended.pollUnsafe()).toBeUndefined()
        tokens.revoke("host")
        expect(yield* Fiber.join(ended)).toMatch(/'host' was revoked on \d{4}-\d\d-\d\d/)
        expect(yield* session(address, host)).toContain("was revoked")
      }).pipe(Effect.scoped, Effect.provide(lasting)),
    )
  })

  it("serves whom it knows while 1,500 connections say nothing, and ends those", async () => {
    const { authority, tokens, access } = await place()
    const ana = await access("ana", "read")
    await run(
      Effect.gen(function* () {
        const { ca, server } = authorityFiles(authority)
        const credentials = serverCredentials({ ca, server, onProblem: () => {} })
        const limits = { ...defaultLimits(2_048), patience: 1_000 }
        const secured = { credentials, gate: gateOf(tokens) }
        const { port } = yield* serveGrpc({ host: "127.0.0.1", port: 0, secured, limits })
        const sockets: Array<Socket> = []
        let closed = 0
        for (let i = 0; i < 1_500; i++) {
          const socket = connectTcp(port, "127.0.0.1")
          socket.on("error", () => {}).on("close", () => closed++)
          sockets.push(socket)
        }
        expect(yield* outcome(`127.0.0.1:${port}`, ana, calls.status)).toContain(through.message)
        while (closed < sockets.length) yield* Effect.sleep("100 millis")
        expect(yield* outcome(`127.0.0.1:${port}`, ana, calls.status)).toContain(through.message)
      }),
    )
  })

  it("hears an agent again whose access file was exchanged while it ran", async () => {
    const { authority, tokens, access } = await place()
    let current = await access("old", "agent")
    await run(
      Effect.gen(function* () {
        const address = yield* serve(authority, tokens)
        const layer = grpcAgentConnection.layer({ address, access: () => current })
        const { open } = Context.get(yield* Layer.build(layer), AgentConnection)
        const said = Effect.scoped(
          Effect.gen(function* () {
            const { incoming } = yield* open
            return (yield* Effect.flip(Stream.runDrain(incoming))).message
          }),
        )
        expect(yield* said).toContain(through.message)
        tokens.revoke("old")
        expect(yield* said).toContain("was revoked")
        current = yield* Effect.promise(() => access("new", "agent"))
        expect(yield* said).toContain(through.message)
      }),
    )
  })

  it("takes a renewed certificate up while it serves, and asks for clients' as before", async () => {
    const { authority, tokens, access } = await place()
    const ana = await access("ana", "submit")
    const foreign = await (await place()).access("x", "submit")
    await run(
      Effect.gen(function* () {
        const address = yield* serve(authority, tokens)
        const shown = () =>
          Effect.promise(
            () =>
              new Promise<string>((resolve, reject) => {
                const port = Number(address.split(":")[1])
                const { ca, certificate: cert, key } = ana
                const socket = connect({ host: "127.0.0.1", port, ca, cert, key, servername: serverName }, () => {
                  resolve(socket.getPeerCertificate().serialNumber)
                  socket.destroy()
                })
                socket.once("error", reject)
              }),
          )
        const before = yield* shown()
        yield* Effect.promise(() => makeCertificates(authority, true))
        let after = before
        while (after === before) {
          yield* Effect.sleep("200 millis")
          after = yield* shown()
        }
        expect(yield* outcome(address, ana, calls.status)).toContain(through.message)
        const { certificate, key } = foreign
        expect(yield* outcome(address, { ...ana, certificate, key }, calls.status)).not.toContain(through.message)
      }),
    )
  })
})
