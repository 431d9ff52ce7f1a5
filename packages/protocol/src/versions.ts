// The versions of the wire. Owns the number that this program speaks, the window that a coordinator accepts, since when
// each message exists, and the sentence for a peer outside the window. `npm run check` compares the wire with the one of
// the last release (releases/) and fails when it changed and `protocolVersion` did not.
import type { Fact } from "@sweep/domain/Fact"
import type { CoordinatorMessage } from "./AgentMessage.ts"

/** What this program speaks. 1: release 0.1.0. 2: the coordinator says its version, and clients say theirs with each call. */
export const protocolVersion: number = 2

/**
 * The oldest version that a coordinator still serves. Coordinators are upgraded first, then agents and commands, so a
 * coordinator serves older peers and refuses newer ones. Raise it only together with a change that those cannot read.
 */
export const oldestProtocol: number = 1

/** A peer that does not say its version, as those of release 0.1.0 outside of a session's Hello. */
export const unsaidProtocol = 1

/** The header in which a client says its protocol version with each call. */
export const protocolHeader = "sweep-protocol"

/** Since which protocol version each message to agents exists: an older agent would end its session on an unknown one. */
const messageSince: Readonly<Record<CoordinatorMessage["_tag"], number>> = {
  Welcome: 1,
  Assign: 1,
  Stop: 1,
  Ack: 1,
  Heard: 1,
  Drain: 1,
}

export const understands = (protocol: number, message: CoordinatorMessage): boolean =>
  messageSince[message._tag] <= protocol

/** Since which protocol version watchers know each kind of fact. A fact that is not named here is as old as the wire. */
export const factSince: Readonly<Partial<Record<Fact["_tag"], number>>> = {
  TrialWarned: 2,
  ArtifactsKept: 2,
  AgentLeft: 2,
  AgentOrdered: 2,
}

export const knowsFact = (protocol: number, fact: Fact): boolean => (factSince[fact._tag] ?? 1) <= protocol

/**
 * The same for calls that read sweeps: a verdict holds codes since version 2, where version 1 expects sentences. Agents
 * are never sent a verdict.
 */
const oldestReader: number = 2

const range = (oldest: number): string =>
  oldest === protocolVersion ? String(protocolVersion) : `${oldest} to ${protocolVersion}`

/** Why a coordinator does not serve a peer of this version, and what to upgrade; `undefined` when it does. */
export const versionProblem = (peer: {
  readonly kind: "agent" | "command"
  readonly protocol: number
  /** Whether it asks for sweeps with their verdicts. */
  readonly readsVerdicts?: boolean
  /** Of its program, when it says so. */
  readonly version?: string
}): string | undefined => {
  const { kind, protocol, readsVerdicts = false, version } = peer
  const oldest = readsVerdicts ? oldestReader : oldestProtocol
  if (protocol >= oldest && protocol <= protocolVersion) return undefined
  const upgrade = protocol > protocolVersion ? "coordinator" : kind
  return `this ${kind}${version === undefined ? "" : ` (sweep ${version})`} speaks version ${protocol} of the protocol, the coordinator ${range(oldest)}: upgrade the ${upgrade}`
}
