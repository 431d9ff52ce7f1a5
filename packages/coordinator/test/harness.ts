// A coordinator for tests: the real one on a store in memory, with sessions that need no network.
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { AgentId, SweepId } from "@sweep/domain/Id"
import { TrialNumber } from "@sweep/domain/Id"
import type { Timings } from "@sweep/domain/Lease"
import * as Coordinator from "../src/Coordinator.ts"
import { formatAddress } from "@sweep/grpc/address"
import { anybody, Caller } from "@sweep/protocol/Caller"
import type { AgentGateway } from "@sweep/protocol/AgentGateway"
import * as grpcAgentConnection from "@sweep/grpc/grpcAgentConnection"
import { serveGrpc } from "@sweep/grpc/grpcServer"
import * as grpcSweepApi from "@sweep/grpc/grpcSweepApi"
import * as memoryAgentConnection from "@sweep/protocol/memoryAgentConnection"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layerMemory } from "@sweep/store/Store"
import type { AgentConnection, SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { ArtifactQuotas } from "../src/attempts/artifacts.ts"
import { connectAgent, eventually, type ScriptedAgent } from "@sweep/protocol/ScriptedAgent"

export const coordinator = (timings?: Timings, artifactQuotas: ArtifactQuotas = {}) =>
  memoryAgentConnection.layer.pipe(
    Layer.provideMerge(
      Coordinator.layer({
        version: "test",
        pid: 1,
        home: "/home",
        artifactQuotas,
        ...(timings === undefined ? {} : { timings }),
      }),
    ),
    Layer.provide(NodeFileSystem.layer),
  )

export const inMemory = (timings?: Timings, artifactQuotas?: ArtifactQuotas) =>
  coordinator(timings, artifactQuotas).pipe(Layer.provideMerge(layerMemory))

export const trialOf = (sweep: SweepId, number: number) =>
  Effect.gen(function* () {
    const state = yield* (yield* SweepApi).get(sweep)
    return state.trials.get(TrialNumber.make(number))
  })

/** Waits until a trial is in a state. */
export const trialIs = (sweep: SweepId, number: number, state: string) =>
  eventually(
    `trial ${number} is ${state}`,
    Effect.map(trialOf(sweep, number), (trial) => (trial?.state === state ? trial : undefined)),
  )

export const sweepIs = (sweep: SweepId, status: string) =>
  eventually(
    `the sweep is ${status}`,
    Effect.gen(function* () {
      const state = yield* (yield* SweepApi).get(sweep)
      return state.status === status ? state : undefined
    }),
  )

/** An agent that can be cut off in the middle of a test. */
export const agentInScope = (
  options: Parameters<typeof connectAgent>[0] = {},
): Effect.Effect<
  { readonly agent: ScriptedAgent; readonly cut: Effect.Effect<void> },
  SessionBroken | SessionRefused,
  AgentConnection | Scope.Scope
> =>
  Effect.gen(function* () {
    const scope = yield* Effect.flatMap(Effect.scope, (outer) => Scope.fork(outer))
    const agent = yield* connectAgent(options).pipe(Scope.provide(scope))
    return { agent, cut: Scope.close(scope, Exit.void) }
  })

/** The same coordinator through real sockets on loopback. */
export const overGrpc = <E>(layer: Layer.Layer<SweepApi | AgentGateway, E>) =>
  Layer.unwrap(
    Effect.map(serveGrpc({ host: "127.0.0.1", port: 0 }), (bound) => {
      const address = formatAddress(bound)
      return Layer.merge(grpcSweepApi.layer({ address }), grpcAgentConnection.layer({ address }))
    }),
  ).pipe(Layer.provide(layer))

/** As the agent of this name, whose token speaks for it alone. */
export const as =
  (name: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provideService(effect, Caller, {
      ...anybody,
      name,
      agents: `agent ${name}`,
      speaksFor: (agent: AgentId) => agent === name,
    })
