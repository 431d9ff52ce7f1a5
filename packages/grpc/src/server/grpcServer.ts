// The coordinator's door: serves both services on one port. Owns binding, the life of the calls and an orderly end:
// streams are told that the coordinator goes, calls in progress may finish, then the port closes. What is answered comes
// from SweepApi and AgentGateway.
import {
  type Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js"
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  AgentServiceService,
  type FetchCheckpointRequest,
  type FetchSourcesRequest,
  type ListCheckpointRequest,
  type OfferArtifactsRequest,
  type PutArtifactRequest,
  type SessionRequest,
  type SessionResponse,
} from "@sweep/proto/agent"
import { AgentId, SweepId, TrialNumber } from "@sweep/domain/Id"
import {
  type FetchArtifactRequest,
  type OfferSourcesRequest,
  type PutSourcesRequest,
  SweepServiceService,
  type ControlRequest,
  type TellRequest,
  type WatchResponse,
} from "@sweep/proto/sweep"
import { type Address, formatAddress, isLoopback } from "../transport/address.ts"
import { SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import { AgentGateway } from "@sweep/protocol/AgentGateway"
import { decodeAgentMessage, encodeCoordinatorMessage } from "../codec/agentCodec.ts"
import { decodeReason } from "../codec/reasonCodec.ts"
import { decodeTold, encodeAsked, encodeHeard, parametersJson } from "../codec/askTellCodec.ts"
import { decodeFiles, decodeOwner, decodePiece, decodeWhich, encodeKept, encodeOffer } from "../codec/artifactCodec.ts"
import { decodeContents, decodeOffsets, decodePieces, encodeOffsets, encodeSourceData } from "../codec/sourceCodec.ts"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { Audit } from "@sweep/protocol/Audit"
import { anybody, Caller } from "@sweep/protocol/Caller"
import { callReader } from "../transport/callReader.ts"
import { callWriter } from "../transport/callWriter.ts"
import { serverOptions } from "../transport/channelOptions.ts"
import { Denied, type Gate, lookAgain, type Method, neededRole } from "../transport/Gate.ts"
import { type ConnectionLimits, Connections, defaultLimits } from "./connections.ts"
import { whenGreeted } from "./greeting.ts"
import { aboutOf, isWritten } from "./auditing.ts"
import { cut } from "../codec/jsonChunks.ts"
import { quietGrpc } from "../transport/quietGrpc.ts"
import {
  internal,
  invalidArgument,
  type Status,
  statusOfApiError,
  statusOfDenied,
  statusOfSessionError,
} from "../transport/status.ts"
import { type NotFound, Refused, SweepApi, type Unavailable, type WatchEvent } from "@sweep/protocol/SweepApi"
import { knowsFact, protocolHeader, unsaidProtocol, versionProblem } from "@sweep/protocol/versions"
import {
  artifactsJson,
  decodeAction,
  encodeCurve,
  encodeRemoval,
  factJson,
  progressJson,
  queryJson,
  resultsJson,
  snapshotJson,
  specJson,
  statesJson,
  stateJson,
  statusJson,
} from "../codec/sweepCodec.ts"
import { WireError } from "../transport/WireError.ts"

/** Thrown when the coordinator cannot listen. `message` says what to do. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  reason: Schema.Literals(["in-use", "not-loopback", "address"]),
  message: Schema.String,
}) {}

export interface ServeOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** How connections are secured and who may call what. Without it: plain text, anybody, and loopback only. */
  readonly secured?: {
    readonly credentials: ServerCredentials
    readonly gate: Gate
    /** Who serves connections of hosts that have no certificate yet, and say so in the first bytes. */
    readonly joining?: { readonly protocol: string; readonly serve: (socket: Socket) => void }
  }
  /** How many connections there may be; by what the system allows unless given. */
  readonly limits?: ConnectionLimits
}

/** How long calls in progress may take to finish when the coordinator goes. */
const drainTime = "2 seconds"

type ApiError = NotFound | Refused | Unavailable

const going = new SessionBroken({ message: "the coordinator is shutting down" })

const statusOf = (cause: Cause.Cause<ApiError | SessionBroken | SessionRefused | WireError | Denied>): Status => {
  const failure = Cause.findErrorOption(cause)
  if (Option.isNone(failure)) {
    return Cause.hasInterruptsOnly(cause) ? { ...statusOfSessionError(going), code: status.UNAVAILABLE } : internal()
  }
  const error = failure.value
  switch (error._tag) {
    case "WireError":
      return invalidArgument(error.message)
    case "SessionBroken":
    case "SessionRefused":
      return statusOfSessionError(error)
    case "Denied":
      return statusOfDenied(error)
    default:
      return statusOfApiError(error)
  }
}

const logDefect = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) && Cause.hasDies(exit.cause)
    ? Effect.logError("a request ended in a defect", exit.cause)
    : Effect.void

const decodeSweep = Schema.decodeUnknownOption(SweepId)
const decodeAgent = Schema.decodeUnknownOption(AgentId)
const decodeOrder = Schema.decodeUnknownOption(Schema.Literals(["drain", "resume", "remove"]))
const decodeTrial = Schema.decodeUnknownOption(TrialNumber)

const parse = <A>(what: string, value: Option.Option<A>): Effect.Effect<A, WireError> =>
  Option.match(value, {
    onNone: () => Effect.fail(new WireError({ message: `that is no ${what}` })),
    onSome: Effect.succeed,
  })
const sweepIn = (request: { readonly sweep: string }) => parse("name of a sweep", decodeSweep(request.sweep))
const agentIn = (request: { readonly agent: string }) => parse("name of an agent", decodeAgent(request.agent))
const trialIn = (trial: number) => parse("number of a trial", decodeTrial(trial))
const decoding = <A>(decode: () => A): Effect.Effect<A, WireError> =>
  Effect.try({
    try: decode,
    catch: (error) => (error instanceof WireError ? error : new WireError({ message: String(error) })),
  })

const jsonChunks = (text: string) => Stream.fromIterable(Array.from(cut(text), (jsonChunk) => ({ jsonChunk })))

function* watchResponses(event: WatchEvent): Generator<WatchResponse> {
  switch (event._tag) {
    case "Snapshot": {
      const chunks = Array.from(cut(snapshotJson.encode(event)))
      for (const [i, jsonChunk] of chunks.entries()) {
        yield { event: { $case: "snapshot", value: { jsonChunk, last: i === chunks.length - 1 } } }
      }
      return
    }
    case "Recorded":
      return yield { event: { $case: "factJson", value: factJson.encode(event.fact) } }
    case "Progress":
      return yield { event: { $case: "progressJson", value: progressJson.encode(event.progress) } }
  }
}

const bindProblem = (message: string): string =>
  /EADDRNOTAVAIL|ENOTFOUND|EAI_|DNS address|Name resolution|EINVAL/.test(message)
    ? "this machine has no such address; --host takes 127.0.0.1, 0.0.0.0 or one of its own"
    : /EACCES/.test(message)
      ? "ports below 1024 are for the system; choose another with --port"
      : message

const bind = (listener: NetServer, address: Address) =>
  Effect.callback<number, CannotListen>((resume) => {
    listener.once("listening", () => resume(Effect.succeed((listener.address() as AddressInfo).port)))
    listener.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE"
      resume(
        Effect.fail(
          new CannotListen({
            reason: inUse ? "in-use" : "address",
            message: inUse
              ? `port ${address.port} on ${address.host} is in use by another program; choose another with --port, or 0 for any free one`
              : `cannot listen on ${formatAddress(address)}: ${bindProblem(error.message)}`,
          }),
        ),
      )
    })
    listener.listen({ host: address.host, port: address.port, backlog: 1_024 })
  })

interface GatedCall {
  readonly metadata: Metadata
  readonly getAuthContext: ServerUnaryCall<unknown, unknown>["getAuthContext"]
}

/** The token as it stands in the header `authorization: Bearer …`. */
const tokenIn = (metadata: Metadata): string | undefined => {
  const [value] = metadata.get("authorization")
  return typeof value === "string" ? /^Bearer (\S+)$/.exec(value)?.[1] : undefined
}

const shownBy = (call: GatedCall) => {
  const name = call.getAuthContext().sslPeerCertificate?.subject.CN
  return { token: tokenIn(call.metadata), certificate: typeof name === "string" ? name : undefined }
}

/** What the caller speaks. */
const protocolOf = (call: GatedCall): number => {
  const [value] = call.metadata.get(protocolHeader)
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : unsaidProtocol
}

const open: Gate = { admit: () => Effect.succeed(anybody) }

const refusalIn = (exit: Exit.Exit<unknown, ApiError | SessionBroken | SessionRefused | WireError | Denied>) => {
  if (Exit.isSuccess(exit)) return null
  const failure = Cause.findErrorOption(exit.cause)
  // What the other side, or a shutdown, broke off was not refused.
  return Option.isNone(failure) || failure.value._tag === "SessionBroken" ? null : failure.value.message
}

/** Calls whose answers hold verdicts. */
const readsVerdicts: ReadonlySet<Method> = new Set<Method>(["list", "get", "results", "watch"])

/**
 * Listens until the scope closes. Returns where, with the port the system chose for `port: 0`. Unless secured, only
 * loopback addresses are served, because whoever can reach the port can start programs on the agents.
 */
export const serveGrpc: (
  options: ServeOptions,
) => Effect.Effect<Address, CannotListen, SweepApi | AgentGateway | Scope.Scope> = Effect.fn("serveGrpc")(
  function* (options) {
    const { host, port, secured } = options
    if (secured === undefined && !isLoopback(host)) {
      return yield* new CannotListen({
        reason: "not-loopback",
        message: `refusing to listen on ${host}: without TLS and tokens anyone who reaches this port could run programs on every agent.`,
      })
    }
    const gate = secured?.gate ?? open
    const admit = (call: GatedCall, method: Method): Effect.Effect<Caller, Denied | Refused> =>
      Effect.flatMap(gate.admit(shownBy(call), neededRole[method]), (caller) => {
        const kind = method in AgentServiceService ? "agent" : "command"
        const message = versionProblem({ kind, protocol: protocolOf(call), readsVerdicts: readsVerdicts.has(method) })
        return message === undefined ? Effect.succeed(caller) : Effect.fail(new Refused({ message }))
      })
    const audit = yield* Audit
    /** The connection is its caller's from now on, and counts as one of its. */
    const counted = (peer: string) => (caller: Caller) =>
      connections.admitted(peer, caller.token ?? "")
        ? Effect.succeed(caller)
        : Effect.fail(
            new Denied({
              reason: "crowd",
              caller: caller.name,
              message: `the token '${caller.name}' has too many connections open`,
            }),
          )
    /** Runs what answers a call as its caller, and writes down what is to be written down of it. */
    const answer = <A, E extends ApiError | SessionBroken | SessionRefused | WireError>(
      call: GatedCall & { readonly request?: unknown; readonly getPeer: () => string },
      method: Method,
      answered: Effect.Effect<A, E>,
    ): Effect.Effect<A, E | Denied | Refused> => {
      const peer = call.getPeer()
      const record = (caller: Caller, exit: Exit.Exit<unknown, E | Denied | Refused>) => {
        const refused = refusalIn(exit)
        if (!isWritten(method, refused)) return
        const about = aboutOf(call.request, Exit.isSuccess(exit) ? exit.value : undefined)
        audit.record({ caller, what: method, peer, about, refused })
      }
      return Effect.gen(function* () {
        const caller = yield* Effect.tapError(Effect.flatMap(admit(call, method), counted(peer)), (denied) =>
          Effect.sync(() =>
            record(
              { ...anybody, name: (denied._tag === "Denied" ? denied.caller : undefined) ?? "unknown", token: null },
              Exit.fail(denied),
            ),
          ),
        )
        return yield* Effect.provideService(answered, Caller, caller).pipe(
          Effect.onExit((exit) => Effect.sync(() => record(caller, exit))),
        )
      })
    }
    /** Fails once the caller is no longer admitted. */
    const keepAdmitting = (call: GatedCall, method: Method): Effect.Effect<never, Denied | Refused> =>
      secured === undefined ? Effect.never : Effect.forever(Effect.delay(admit(call, method), lookAgain))
    const api = yield* SweepApi
    const gateway = yield* AgentGateway
    const exchange = yield* Effect.serviceOption(ArtifactExchange)
    const artifacts: Effect.Effect<ArtifactExchange["Service"], Refused> = Option.isSome(exchange)
      ? Effect.succeed(exchange.value)
      : Effect.fail(new Refused({ message: "this coordinator keeps no files of trials" }))

    quietGrpc()
    const server = new Server(serverOptions)
    const connections = new Connections(options.limits ?? defaultLimits())
    const injector = server.createConnectionInjector(secured?.credentials ?? ServerCredentials.createInsecure())
    const joining = secured?.joining
    const listener = createServer({ noDelay: true }, (socket) => {
      // What goes wrong before a call is the other side's affair.
      socket.on("error", () => socket.destroy())
      if (!connections.take(socket)) socket.destroy()
      else if (joining === undefined) injector.injectConnection(socket)
      else {
        whenGreeted(socket, (greeting) =>
          greeting.includes(joining.protocol) ? joining.serve(socket) : injector.injectConnection(socket),
        )
      }
    })
    // Closed in reverse: streams end first, then calls in progress get their time, then the port closes.
    yield* Effect.addFinalizer(() =>
      Effect.callback<void>((done) => {
        listener.close()
        connections.closeUnknown()
        server.tryShutdown(() => done(Effect.void))
      }).pipe(
        Effect.timeoutOrElse({
          duration: drainTime,
          orElse: () => Effect.sync(() => server.forceShutdown()),
        }),
      ),
    )
    const requests = yield* FiberSet.make()
    yield* Effect.addFinalizer(() => Effect.timeoutOption(FiberSet.awaitEmpty(requests), drainTime))
    const streams = yield* FiberSet.make()
    const runRequest = yield* FiberSet.runtime(requests)()
    const runStream = yield* FiberSet.runtime(streams)()

    const unary =
      <Request, Response>(
        method: Method,
        handle: (request: Request) => Effect.Effect<Response, ApiError | WireError>,
      ) =>
      (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => {
        const fiber = runRequest(
          answer(
            call,
            method,
            Effect.suspend(() => handle(call.request)),
          ).pipe(
            Effect.onExit((exit) => {
              if (Exit.isSuccess(exit)) done(null, exit.value)
              else done(statusOf(exit.cause))
              return logDefect(exit)
            }),
            Effect.exit,
          ),
        )
        call.on("cancelled", () => fiber.interruptUnsafe())
      }

    /** Runs what serves a streaming call to its end, and ends the call with how it went. */
    const serve = (
      method: Method,
      call: GatedCall & {
        readonly cancelled: boolean
        readonly end: (metadata?: Metadata) => unknown
        readonly emit: (name: string, value: unknown) => boolean
        readonly on: (name: string, listener: () => void) => unknown
        readonly getPeer: () => string
        readonly request?: unknown
      },
      served: Effect.Effect<void, ApiError | SessionBroken | SessionRefused | WireError>,
    ) => {
      const fiber = runStream(
        Effect.raceFirst(answer(call, method, served), keepAdmitting(call, method)).pipe(
          Effect.onExit((exit) => {
            if (!call.cancelled) {
              if (Exit.isSuccess(exit)) call.end()
              else call.emit("error", statusOf(exit.cause))
            }
            return logDefect(exit)
          }),
          Effect.exit,
        ),
      )
      return fiber
    }

    const streaming =
      <Request, Response>(
        method: Method,
        handle: (request: Request, protocol: number) => Stream.Stream<Response, ApiError | WireError>,
      ) =>
      (call: ServerWritableStream<Request, Response>) => {
        const send = callWriter(call, { encode: (response: Response) => response, failureOf: () => going })
        const fiber = serve(
          method,
          call,
          Effect.suspend(() => Stream.runForEach(handle(call.request, protocolOf(call)), send)),
        )
        call.on("cancelled", () => fiber.interruptUnsafe())
      }

    server.addService(AgentServiceService, {
      session: (call: ServerDuplexStream<SessionRequest, SessionResponse>) => {
        const broken = (error: unknown) =>
          new SessionBroken({ message: error instanceof Error ? error.message : String(error) })
        const send = callWriter(call, { encode: encodeCoordinatorMessage, failureOf: broken })
        const incoming = callReader(call, {
          decode: decodeAgentMessage,
          failureOf: (error) =>
            error instanceof WireError
              ? new SessionRefused({ message: `the agent sent what this coordinator cannot read: ${error.message}` })
              : broken(error),
        })
        // Not interrupted when the agent goes: `incoming` fails, and what was received is still committed.
        serve("session", call, gateway.serve({ send, incoming, peer: call.getPeer() }))
      },
      offerArtifacts: unary("offerArtifacts", (request: OfferArtifactsRequest) =>
        Effect.gen(function* () {
          const owner = yield* decoding(() => decodeOwner(request))
          const files = yield* decoding(() => decodeFiles(request))
          return encodeOffer(yield* (yield* artifacts).offer(owner, files))
        }),
      ),
      putArtifact: unary("putArtifact", (request: PutArtifactRequest) =>
        Effect.gen(function* () {
          const owner = yield* decoding(() => decodeOwner(request))
          const piece = yield* decoding(() => decodePiece(request))
          yield* (yield* artifacts).put(owner, piece)
          return {}
        }),
      ),
      listCheckpoint: unary("listCheckpoint", (request: ListCheckpointRequest) =>
        Effect.gen(function* () {
          const sweep = yield* sweepIn(request)
          const trial = yield* trialIn(request.trial)
          return encodeKept(yield* (yield* artifacts).listCheckpoint(sweep, trial))
        }),
      ),
      fetchCheckpoint: streaming("fetchCheckpoint", (request: FetchCheckpointRequest) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const { sweep, trial, epoch, path } = yield* decoding(() => decodeWhich(request))
            const pieces = (yield* artifacts).fetch(sweep, trial, { epoch, path })
            return Stream.map(pieces, (data) => ({ data: Buffer.from(data) }))
          }),
        ),
      ),
      fetchSources: streaming("fetchSources", (request: FetchSourcesRequest) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const sweep = yield* sweepIn(request)
            const wanted = yield* decoding(() => decodeOffsets(request.files))
            return Stream.map((yield* artifacts).fetchSources(sweep, wanted), encodeSourceData)
          }),
        ),
      ),
    })

    server.addService(SweepServiceService, {
      offerSources: unary("offerSources", (request: OfferSourcesRequest) =>
        Effect.flatMap(
          decoding(() => decodeContents(request)),
          (contents) => Effect.map(api.offerSources(contents), (missing) => ({ missing: encodeOffsets(missing) })),
        ),
      ),
      putSources: unary("putSources", (request: PutSourcesRequest) =>
        Effect.flatMap(
          decoding(() => decodePieces(request)),
          (pieces) => Effect.as(api.putSources(pieces), {}),
        ),
      ),
      status: unary("status", () => Effect.map(api.status, (value) => ({ statusJson: statusJson.encode(value) }))),
      submit: unary("submit", (request: { specJson: string }) =>
        Effect.flatMap(
          decoding(() => specJson.decode(request.specJson)),
          (spec) => Effect.map(api.submit(spec), (sweep) => ({ sweep })),
        ),
      ),
      control: unary("control", (request: ControlRequest) =>
        Effect.gen(function* () {
          const sweep = yield* sweepIn(request)
          const trial = request.trial === undefined ? null : yield* trialIn(request.trial)
          const action = yield* decoding(() => decodeAction(request.action))
          yield* api.control(sweep, trial, action, decodeReason(request.reason, request.reasonJson))
          return {}
        }),
      ),
      orderAgent: unary("orderAgent", (request: { agent: string; order: string; reason: string }) =>
        Effect.gen(function* () {
          const agent = yield* agentIn(request)
          const order = yield* parse("order to an agent", decodeOrder(request.order))
          yield* api.orderAgent(agent, order, request.reason)
          return {}
        }),
      ),
      agentLog: unary("agentLog", (request: { agent: string }) =>
        Effect.map(Effect.flatMap(agentIn(request), api.agentLog), (lines) => ({ lines: Array.from(lines) })),
      ),
      ask: unary("ask", (request: { sweep: string }) =>
        Effect.map(Effect.flatMap(sweepIn(request), api.ask), encodeAsked),
      ),
      tell: unary("tell", (request: TellRequest) =>
        Effect.gen(function* () {
          const sweep = yield* sweepIn(request)
          const trial = yield* trialIn(request.trial)
          const told = yield* decoding(() => decodeTold(request))
          return encodeHeard(yield* api.tell(sweep, trial, told))
        }),
      ),
      extend: unary("extend", (request: { sweep: string; specJson: string; revision: number }) =>
        Effect.gen(function* () {
          const sweep = yield* sweepIn(request)
          const spec = yield* decoding(() => specJson.decode(request.specJson))
          return { revision: yield* api.extend(sweep, spec, request.revision) }
        }),
      ),
      clone: unary("clone", (request: { sweep: string; trial: number; changesJson: string }) =>
        Effect.gen(function* () {
          const sweep = yield* sweepIn(request)
          const trial = yield* trialIn(request.trial)
          const changes = yield* decoding(() => parametersJson.decode(request.changesJson))
          return { trials: Array.from(yield* api.clone(sweep, trial, changes)) }
        }),
      ),
      remove: unary("remove", (request: { sweep: string; preview: boolean }) =>
        Effect.flatMap(sweepIn(request), (sweep) => api.remove(sweep, { preview: request.preview })).pipe(
          Effect.map(encodeRemoval),
        ),
      ),
      list: streaming("list", () =>
        Stream.unwrap(Effect.map(api.list, (states) => jsonChunks(statesJson.encode(states)))),
      ),
      get: streaming("get", (request: { sweep: string }) =>
        Stream.unwrap(
          Effect.map(Effect.flatMap(sweepIn(request), api.get), (state) => jsonChunks(stateJson.encode(state))),
        ),
      ),
      results: streaming("results", (request: { sweep: string; maxPoints: number }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const { curves, ...head } = yield* api.results(yield* sweepIn(request), { maxPoints: request.maxPoints })
            return Stream.concat(
              Stream.map(jsonChunks(resultsJson.encode(head)), ({ jsonChunk }) => ({
                part: { $case: "jsonChunk" as const, value: jsonChunk },
              })),
              Stream.map(Stream.fromIterable(curves), (curve) => ({
                part: { $case: "curve" as const, value: encodeCurve(curve) },
              })),
            )
          }),
        ),
      ),
      watch: streaming("watch", (request: { sweep: string }, protocol) =>
        Stream.unwrap(Effect.map(sweepIn(request), api.watch)).pipe(
          Stream.filter((event) => event._tag !== "Recorded" || knowsFact(protocol, event.fact)),
          Stream.flatMap((event) => Stream.fromIterable(watchResponses(event))),
        ),
      ),
      logs: streaming("logs", (request: { sweep: string; trial: number; stream: string; follow: boolean }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const name = request.stream
            if (name !== "stdout" && name !== "stderr") {
              return yield* new WireError({ message: "a log is either stdout or stderr" })
            }
            const sweep = yield* sweepIn(request)
            const trial = yield* trialIn(request.trial)
            return Stream.map(api.logs(sweep, trial, { stream: name, follow: request.follow }), (text) => ({ text }))
          }),
        ),
      ),
      query: streaming("query", (request: { sql: string; limit: number }) =>
        Stream.unwrap(
          Effect.map(api.query(request.sql, request.limit), (result) => jsonChunks(queryJson.encode(result))),
        ),
      ),
      backup: streaming("backup", () => Stream.map(api.backup, (chunk) => ({ chunk: Buffer.from(chunk) }))),
      exportParquet: streaming("exportParquet", (request: { sweep: string }) =>
        Stream.unwrap(Effect.map(sweepIn(request), api.exportParquet)).pipe(
          Stream.map(({ file, chunk }) => ({ file, chunk: Buffer.from(chunk) })),
        ),
      ),
      listArtifacts: streaming("listArtifacts", (request: { sweep: string; trial?: number | undefined }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const trial = request.trial === undefined ? null : yield* trialIn(request.trial)
            return jsonChunks(artifactsJson.encode(yield* api.artifacts(yield* sweepIn(request), trial)))
          }),
        ),
      ),
      fetchArtifact: streaming("fetchArtifact", (request: FetchArtifactRequest) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const { sweep, trial, epoch, path } = yield* decoding(() => decodeWhich(request))
            const pieces = api.fetchArtifact(sweep, { trial, epoch, path }, Number(request.offset))
            return Stream.map(pieces, (data) => ({ data: Buffer.from(data) }))
          }),
        ),
      ),
    })

    return {
      host,
      port: yield* bind(listener, { host, port }),
    }
  },
)
