// The agents the coordinator knows: what they offer, when they were last heard of, and which of their slots are taken by
// which attempt. Owns these facts of the moment, none of which outlives the process; trials are State's.
import type { Slot } from "@sweep/domain/Device"
import type { AgentId, Epoch, SweepId } from "@sweep/domain/Id"
import type { Timings } from "@sweep/domain/Lease"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import type { AgentStatus } from "@sweep/protocol/SweepApi"
import { Breaker } from "./Breaker.ts"

/** The open connection to an agent. */
export interface Session {
  /** Queues a message; a session whose agent does not read breaks instead of growing. */
  readonly post: (message: CoordinatorMessage) => void
  readonly close: (error: SessionBroken | SessionRefused) => void
}

export interface Agent {
  readonly id: AgentId
  version: string
  hostname: string
  /** Which host and directory of it; empty until it says so. */
  host: string
  slots: ReadonlyArray<Slot>
  trainers: ReadonlySet<string>
  draining: boolean
  /** A user has drained it: it stays connected and gets no trials. */
  held: boolean
  /** The newest lines of its own log. */
  log: ReadonlyArray<string>
  /** `null` while it is not connected. */
  session: Session | null
  /** Monotonic milliseconds. */
  lastHeard: number
  lost: boolean
  readonly breaker: Breaker
  /** What physically occupies each slot, which may be an attempt that no longer counts. */
  readonly occupied: Map<number, Epoch>
}

export interface FreeSlot {
  readonly agent: Agent
  readonly session: Session
  readonly slot: Slot
}

export class Roster {
  readonly agents = new Map<AgentId, Agent>()
  readonly #timings: Timings
  readonly #trained = new Set<SweepId>()
  /** Sweeps that failed alike on two hosts and trained on none. */
  readonly #alike = new Set<SweepId>()

  constructor(timings: Timings) {
    this.#timings = timings
  }

  /** The agent of this id, made when it is new. */
  known(id: AgentId, now: number): Agent {
    let agent = this.agents.get(id)
    if (agent === undefined) {
      agent = {
        id,
        version: "",
        hostname: "",
        host: "",
        slots: [],
        trainers: new Set(),
        draining: false,
        held: false,
        log: [],
        session: null,
        lastHeard: now,
        lost: false,
        breaker: new Breaker(),
        occupied: new Map(),
      }
      this.agents.set(id, agent)
    }
    return agent
  }

  isSuspect(agent: Agent, now: number): boolean {
    return agent.session === null || now - agent.lastHeard > this.#timings.suspect
  }

  takesWork(agent: Agent, now: number): boolean {
    return !agent.draining && !agent.held && !agent.lost && !this.isSuspect(agent, now) && !agent.breaker.isOpen(now)
  }

  /** Agents other than this one that take trials of the sweep, if not at this moment then when a slot is free. */
  *others(than: AgentId, { trainer, resources }: SweepSpec, now: number): Generator<Agent> {
    for (const agent of this.agents.values()) {
      const fits = agent.slots.some(({ devices }) => devices.length >= resources.gpus)
      if (agent.id !== than && fits && agent.trainers.has(trainer) && this.takesWork(agent, now)) yield agent
    }
  }

  /** Hosts that the trial, as `sweep/number`, was taken from. */
  returns(trial: string): number {
    let count = 0
    for (const { breaker } of this.agents.values()) if (breaker.hasReturned(trial)) count++
    return count
  }

  /** An attempt of the sweep trained on some host: where it fails, the host is at fault. */
  trained(sweep: SweepId): void {
    this.#trained.add(sweep)
    this.#alike.delete(sweep)
  }

  /**
   * Whether the sweep, which has just failed on this agent, fails alike on other hosts and trained on none. The hosts that
   * failed it before are told that it was not them.
   */
  failsAlike(sweep: SweepId, on: Agent): boolean {
    if (this.#trained.has(sweep)) return false
    const others = Array.from(this.agents.values()).filter(
      (other) => other.hostname !== on.hostname && other.breaker.hasFailed(sweep),
    )
    if (others.length > 0) this.#alike.add(sweep)
    if (!this.#alike.has(sweep)) return false
    for (const { breaker } of [on, ...others]) breaker.absolve(sweep)
    return true
  }

  /** The sweep is gone. */
  forget(sweep: SweepId): void {
    this.#trained.delete(sweep)
    this.#alike.delete(sweep)
  }

  freeSlots(now: number): ReadonlyArray<FreeSlot> {
    const free: Array<FreeSlot> = []
    for (const agent of this.agents.values()) {
      const { session } = agent
      if (session === null || !this.takesWork(agent, now)) continue
      for (const slot of agent.slots) if (!agent.occupied.has(slot.index)) free.push({ agent, session, slot })
    }
    return free
  }

  /** The attempt no longer occupies a slot anywhere. */
  vacate(epoch: Epoch): void {
    for (const { occupied } of this.agents.values()) {
      for (const [slot, occupant] of occupied) if (occupant === epoch) occupied.delete(slot)
    }
  }

  /** Whether an attempt still has a slot of an agent that is not given up. */
  isOccupying(epoch: Epoch): boolean {
    for (const { occupied } of this.agents.values()) {
      for (const occupant of occupied.values()) if (occupant === epoch) return true
    }
    return false
  }

  state(agent: Agent, now: number): AgentStatus["state"] {
    if (agent.lost) return "lost"
    if (this.isSuspect(agent, now)) return "suspect"
    if (agent.breaker.isOpen(now)) return "quarantined"
    return agent.draining || agent.held ? "draining" : "connected"
  }
}
