// Who may make a call, as a contract: the server asks it before every call and while a stream continues. Owns nothing but
// the shape, and which call needs which role; what tokens there are is known to whoever serves.
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AgentServiceService } from "@sweep/proto/agent"
import type { SweepServiceService } from "@sweep/proto/sweep"
import type { Role } from "@sweep/domain/Role"
import type { Caller } from "@sweep/protocol/Caller"

/** The caller may not do this. `message` says why, and names no secret. */
export class Denied extends Schema.TaggedError<Denied>()("Denied", {
  /** No good token; a good one of another role; a good one that is used on too many connections. */
  reason: Schema.Literals(["unauthenticated", "role", "crowd"]),
  message: Schema.String,
  /** The name of the token, when it is one that is known. */
  caller: Schema.optionalKey(Schema.String),
}) {}

/** What a caller shows. */
export interface Shown {
  readonly token: string | undefined
  /** The common name of its certificate, which the transport has verified. */
  readonly certificate: string | undefined
}

export interface Gate {
  /** Fails when the caller may not do what `needed` may. Cheap: it is asked again and again while a stream continues. */
  readonly admit: (shown: Shown, needed: Role) => Effect.Effect<Caller, Denied>
}

export type Method = keyof typeof AgentServiceService | keyof typeof SweepServiceService

/** A method that is not named here does not compile. */
export const neededRole: Readonly<Record<Method, Role>> = {
  session: "agent",
  offerArtifacts: "agent",
  putArtifact: "agent",
  listCheckpoint: "agent",
  fetchCheckpoint: "agent",
  fetchSources: "agent",
  offerSources: "submit",
  putSources: "submit",
  submit: "submit",
  control: "submit",
  orderAgent: "submit",
  agentLog: "read",
  ask: "submit",
  tell: "submit",
  extend: "submit",
  clone: "submit",
  remove: "submit",
  status: "read",
  list: "read",
  get: "read",
  results: "read",
  watch: "read",
  logs: "read",
  query: "read",
  exportParquet: "read",
  backup: "read",
  listArtifacts: "read",
  fetchArtifact: "read",
}

/** How often it is looked whether a stream's caller is still admitted. */
export const lookAgain = "2 seconds"
