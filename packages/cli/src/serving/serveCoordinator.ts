// `sweep serve`: the coordinator and its door, until it is stopped. Agents and their trials continue without it. On loopback
// it is plain and open to this machine; anywhere else it takes certificates and tokens, and does not start without.
import { existsSync, readFileSync, rmSync } from "node:fs"
import * as Effect from "effect/Effect"
import { AccessError } from "@sweep/access/AccessError"
import { authorityFiles, renewBefore, timeLeft } from "@sweep/access/Authority"
import { createOwnToken } from "@sweep/access/createToken"
import { Tokens } from "@sweep/access/Tokens"
import { type Address, formatAddress, isLoopback } from "@sweep/grpc/address"
import { type ServeOptions, serveGrpc } from "@sweep/grpc/grpcServer"
import { serverCredentials } from "@sweep/grpc/tls"
import { AgentTokens } from "@sweep/protocol/AgentTokens"
import { Audit } from "@sweep/protocol/Audit"
import type { AgentsSetting } from "@sweep/engines/engineFor"
import { auditLogOf } from "./auditLog.ts"
import { coordinator } from "./embedded.ts"
import { badInput, stateFailure, unavailable } from "../exitCodes.ts"
import { gateOf } from "./gate.ts"
import { defaultInvite, inviteLine, joiningOf } from "../joining/joining.ts"
import { reachedAt } from "../joining/reachedAt.ts"
import { type Home, home, leaveNote } from "./home.ts"
import { withLineLog } from "../logging.ts"
import { note, print } from "../output.ts"
import { type Schedule, scheduledBackups } from "./scheduledBackups.ts"
import { serveMetrics } from "./serveMetrics.ts"
import { watchDatabase } from "./watchDatabase.ts"
import { version } from "../version.ts"
import { servePage } from "../web/servePage.ts"

const dayMillis = 86_400_000
/** The name of the access file that a coordinator makes for commands of its own state directory. */
const ownName = ".this-box"

const warn = (message: string) => void Effect.runFork(Effect.logWarning(message).pipe(withLineLog))

interface Secured {
  readonly options: NonNullable<ServeOptions["secured"]>
  readonly tokens: Tokens
  /** For commands of this state directory. */
  readonly accessFile: string
}

const usable = <A>(use: () => A) =>
  Effect.try({
    try: use,
    catch: (error) => stateFailure(error instanceof Error ? error.message : String(error)),
  })

/** The certificates and tokens of `at`; fails with what to do when there are none. */
const secure = Effect.fnUntraced(function* (at: Home, host: string) {
  const files = authorityFiles(at.authority)
  const asked = isLoopback(host) ? "--tls" : `listening on ${host}`
  if (!existsSync(files.server) || !existsSync(files.ca)) {
    return yield* badInput(
      `${asked} needs certificates and tokens: whoever reaches the port could otherwise run programs on every agent. Make them, then start again (for this machine alone, --host 127.0.0.1 needs none):\n` +
        "  sweep certs\n  sweep tokens create me --role submit",
    )
  }
  const tokens = new Tokens(at.tokens)
  // Read now: nobody is let in on a list that is damaged.
  yield* usable(() => tokens.list())
  const left = yield* usable(() => timeLeft(readFileSync(files.server, "utf8")))
  if (left < 0) {
    return yield* badInput("the coordinator's certificate has expired. Renew it, then start again: sweep certs")
  }
  if (left < renewBefore) {
    yield* note(`the coordinator's certificate ends in ${Math.floor(left / dayMillis)} days; 'sweep certs' renews it`)
  }
  const accessFile = at.accessFile(ownName)
  yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        createOwnToken(tokens, { authority: at.authority, name: "this box", role: "submit", file: accessFile }),
      catch: (error) => (error instanceof AccessError ? badInput(error.message) : stateFailure(String(error))),
    }),
    () => Effect.sync(() => rmSync(accessFile, { force: true })),
  )
  const onProblem = (message: string) =>
    warn(`the certificates have changed and cannot be used: ${message}; those before stay in use`)
  const credentials = yield* usable(() => serverCredentials({ ca: files.ca, server: files.server, onProblem }))
  const { record } = yield* Audit
  const joining = joiningOf({ authority: at.authority, tokens, record, onProblem: warn })
  return { options: { credentials, gate: gateOf(tokens), joining }, tokens, accessFile } satisfies Secured
})

/** A newest access file of a role that is still where it was written, for the commands that are printed. */
const fileOf = (secured: Secured, role: "agent" | "submit"): string | undefined =>
  secured.tokens.list().findLast((token) => token.role === role && token.revokedAt === null && existsSync(token.file))
    ?.file
const hasFile = (secured: Secured, role: "agent" | "submit"): boolean => fileOf(secured, role) !== undefined
const exampleFile = (secured: Secured, role: "agent" | "submit"): string =>
  fileOf(secured, role) ?? `FILE  (FILE: sweep tokens create NAME --role ${role})`

const greeting = (at: Home, bound: Address, secured: Secured | undefined): string => {
  const address = formatAddress(reachedAt(bound))
  const access = (role: "agent" | "submit") => (secured === undefined ? "" : ` --access ${exampleFile(secured, role)}`)
  return [
    `sweep ${version} serves ${at.directory} on ${formatAddress(bound)}${secured === undefined ? "" : ", with TLS and tokens"}`,
    ...(secured === undefined
      ? [`agents join with:  sweep agent --coordinator ${address}`]
      : [
          `one GPU host joins with the next line, within an hour ('sweep agents invite' prints more of them):`,
          `  ${inviteLine({ authority: at.authority, coordinator: address, lastsMillis: defaultInvite }).line}`,
          ...(hasFile(secured, "agent")
            ? [`agents join with:  sweep agent --coordinator ${address}${access("agent")}`]
            : []),
        ]),
    `sweeps start with: sweep run FILE --coordinator ${address}${access("submit")}`,
    ...(secured === undefined
      ? []
      : ["An access file is a secret: copy it to the host that uses it, and remove it here."]),
    "Ctrl-C stops the coordinator; agents keep training and come back to it.",
  ].join("\n")
}

const nothingToRevoke: AgentTokens = { revoke: () => Effect.void }
const revoking = (tokens: Tokens): AgentTokens => ({
  revoke: (agent) =>
    Effect.try(() => {
      for (const token of tokens.list()) {
        if (token.agent === agent && token.revokedAt === null) tokens.revoke(token.id)
      }
    }).pipe(Effect.catch(({ cause }) => Effect.logError(`the token of ${agent} is not revoked: ${String(cause)}`))),
})

const pageOf = (
  at: Home,
  options: { readonly host: string; readonly webPort: number | undefined },
  secured: Secured | undefined,
) => {
  const { host, webPort: port } = options
  if (secured === undefined) return servePage({ host, port })
  const certificate = authorityFiles(at.authority).server
  return servePage({
    host,
    port,
    secured: { tokens: secured.tokens, directory: at.authority, certificate },
  })
}

export const serveCoordinator = Effect.fn("serveCoordinator")(function* (options: {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly webPort: number | undefined
  readonly noWeb: boolean
  readonly metricsPort: number | undefined
  readonly backups: Schedule | undefined
  readonly agents: AgentsSetting | undefined
}) {
  const at = yield* home
  yield* Effect.gen(function* () {
    const secured = options.tls || !isLoopback(options.host) ? yield* secure(at, options.host) : undefined
    const agentTokens = secured === undefined ? nothingToRevoke : revoking(secured.tokens)
    yield* Effect.gen(function* () {
      const { host, port } = options
      const bound = yield* listen({ host, port, ...(secured === undefined ? {} : { secured: secured.options }) })
      const address = formatAddress({ ...bound, host: host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host })
      const page = options.noWeb ? undefined : yield* pageOf(at, options, secured)
      yield* leaveNote(at, {
        address,
        reached: formatAddress(reachedAt(bound)),
        version,
        ...(page === undefined ? {} : { page }),
        ...(secured === undefined ? {} : { access: secured.accessFile }),
      })
      yield* print(greeting(at, bound, secured))
      if (page !== undefined) {
        yield* print(`the page: ${page}${secured === undefined ? "" : "  (a link that opens it once: sweep open)"}`)
      }
      const databaseInPlace = yield* watchDatabase(at.store)
      if (options.metricsPort !== undefined) {
        const certificate = secured === undefined ? undefined : authorityFiles(at.authority).server
        const port = yield* serveMetrics({
          port: options.metricsPort,
          store: at.store,
          certificate,
          databaseInPlace,
          backups: options.backups?.directory,
        })
        yield* print(`metrics for Prometheus: http://127.0.0.1:${port}/metrics`)
      }
      if (options.backups !== undefined) {
        yield* scheduledBackups(at.store, options.backups)
        yield* print(`backups go to ${options.backups.directory}; the newest ${options.backups.keep} are kept`)
      }
      if (options.agents !== undefined) {
        const { agentJob } = yield* Effect.promise(() => import("./agentsSetting.ts"))
        const { elasticAgents } = yield* Effect.promise(() => import("./elasticAgents.ts"))
        const access = secured === undefined ? undefined : exampleFile(secured, "agent")
        const job = agentJob(options.agents, {
          home: at.directory,
          coordinator: formatAddress(reachedAt(bound)),
          access,
        })
        yield* elasticAgents(options.agents, job)
        yield* print(
          `${options.agents.engine} is asked for up to ${options.agents.max ?? 1} agents; their logs: ${job.directory}`,
        )
      }
      return yield* Effect.never
    }).pipe(
      Effect.scoped,
      Effect.provideService(AgentTokens, agentTokens),
      Effect.provide(coordinator(at, { serving: true })),
    )
  }).pipe(Effect.scoped, Effect.provideService(Audit, auditLogOf(at.directory, warn)), withLineLog)
})

/** Listens, or says in one sentence why not. */
export const listen = (options: ServeOptions) =>
  serveGrpc(options).pipe(Effect.catchTag("CannotListen", (error) => Effect.fail(unavailable(error.message))))
