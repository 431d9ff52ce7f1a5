// What an attack is, and what it has to work with. Owns the shape and how a refusal is told from a success.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Context from "effect/Context"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import * as grpcAgentConnection from "@sweep/grpc/grpcAgentConnection"
import * as grpcArtifactExchange from "@sweep/grpc/grpcArtifactExchange"
import * as grpcSweepApi from "@sweep/grpc/grpcSweepApi"
import type { ClientAccess } from "@sweep/grpc/tls"
import { AgentConnection } from "@sweep/protocol/AgentConnection"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { SweepApi } from "@sweep/protocol/SweepApi"

/** An attempt of an honest agent. */
export interface Victim {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly epoch: Epoch
}

export interface Stage {
  readonly address: string
  readonly port: number
  /** By the token's name. */
  readonly access: (name: string) => ClientAccess
  /** For looking at what came of an attack: the owner's own token. */
  readonly owner: SweepApi["Service"]
  /** What a trial of gpu1 is running now. */
  readonly running: Effect.Effect<Victim>
  /** A trial of gpu1 that has completed, with its adapter kept. */
  readonly finished: Victim
  /** A trial that an honest agent had before it was paused. */
  readonly paused: Victim
}

/** `null`: it was held. Otherwise what the attacker has got. */
export type Outcome = string | null

export interface Attack {
  readonly who: "agent" | "submitter" | "reader" | "stranger"
  readonly what: string
  readonly run: (stage: Stage) => Effect.Effect<Outcome, unknown, Scope.Scope>
}

export const apiOf = (stage: Stage, name: string) =>
  Effect.map(Layer.build(grpcSweepApi.layer({ address: stage.address, access: () => stage.access(name) })), (context) =>
    Context.get(context, SweepApi),
  )

export const exchangeOf = (stage: Stage, name: string) =>
  Effect.map(
    Layer.build(grpcArtifactExchange.layer({ address: stage.address, access: () => stage.access(name) })),
    (context) => Context.get(context, ArtifactExchange),
  )

/** Gives `effect` the sessions of the token's holder. */
export const withSession =
  (stage: Stage, name: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R | AgentConnection>) =>
    Effect.provide(effect, grpcAgentConnection.layer({ address: stage.address, access: () => stage.access(name) }))

/** Held when it fails, with words that match if any are given. */
export const refused = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>,
  words = /./,
): Effect.Effect<Outcome, never, R> =>
  Effect.match(effect, {
    onFailure: ({ message }) => (words.test(message) ? null : `it failed, but for another reason: ${message}`),
    onSuccess: (value) => `it was let through: ${JSON.stringify(value)?.slice(0, 200)}`,
  })

/** What a token's holder calls. */
export type Call = (api: SweepApi["Service"], stage: Stage) => Effect.Effect<unknown, { readonly message: string }>

/** An attack that is one call, which has to be refused. */
export const refusedCall =
  (name: string, call: Call, words?: RegExp): Attack["run"] =>
  (stage) =>
    Effect.flatMap(apiOf(stage, name), (api) => refused(call(api, stage), words))
