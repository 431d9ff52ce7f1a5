// What agents and the coordinator say to each other over a session, in domain terms. Owns the vocabulary; the wire form
// is proto/sweep/v1/agent.proto and the conversion is agentCodec.ts. An epoch names an attempt: it is unique in a store.
import type { Slot } from "@sweep/domain/Device"
import type { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Timings } from "@sweep/domain/Lease"
import type { OutOfMemory } from "@sweep/domain/OutOfMemory"
import type { PointColumns } from "@sweep/domain/PointColumns"
import type { Reason } from "@sweep/domain/Reason"
import type { FailureClass, TrialEvent } from "@sweep/domain/TrialEvent"
import type { SkippedLines } from "@sweep/domain/TrialWarning"

/** Trainers that an agent starts, by name. */
export const agentTrainers = ["peft", "llamafactory", "command"] as const
export type AgentTrainer = (typeof agentTrainers)[number]

/** An attempt the agent still holds a spool for: running, or ended and not yet acknowledged. */
export interface HeldAttempt {
  readonly epoch: Epoch
  readonly slot: number
  readonly running: boolean
  /** Whose attempt it is: two stores may have given the same epoch. Absent from an older agent. */
  readonly sweep?: SweepId | undefined
  readonly trial?: TrialNumber | undefined
}

/** How an attempt ended, as the agent saw it. */
export type AttemptEnd =
  | {
      readonly _tag: "Finished"
      readonly interrupted: boolean
      readonly step: number
      readonly values: Readonly<Record<string, number>>
    }
  | {
      readonly _tag: "Failed"
      readonly class: FailureClass
      readonly message: Reason
      readonly detail: string | null
      /** Of the class `oom`, where the trainer says more. */
      readonly memory?: OutOfMemory
    }
  /** Over without a result: the agent drains, was preempted, or could not start it. The trial goes back to pending. */
  | {
      readonly _tag: "Released"
      readonly cause: Reason
      /** Optimiser steps at which it waits, with a checkpoint of that step: until a rule says so, it is not to continue. */
      readonly pausedAt?: number
    }

export type { SkippedLines }

export type AgentMessage =
  | {
      readonly _tag: "Hello"
      readonly protocol: number
      readonly agent: AgentId
      readonly version: string
      readonly hostname: string
      readonly slots: ReadonlyArray<Slot>
      /** Trainers this agent may run, by name. */
      readonly trainers: ReadonlyArray<string>
      readonly held: ReadonlyArray<HeldAttempt>
      /** Which host and directory it works in, and which boot of the host. Absent from an older agent. */
      readonly host?: string | undefined
      readonly boot?: string | undefined
      /** The store by which it was last welcomed, and the greatest epoch which that has assigned to it. */
      readonly store?: { readonly id: string; readonly lastEpoch: number } | undefined
    }
  /** The slots on offer have changed: a device was drained or came back. */
  | { readonly _tag: "Slots"; readonly slots: ReadonlyArray<Slot>; readonly draining: boolean }
  /** `at`: monotonic milliseconds of the agent's clock, which mean nothing to anybody else. */
  | { readonly _tag: "Heartbeat"; readonly at: number }
  /**
   * The lines `firstSeq` … `lastSeq`. Numbers in between that no line has are a hole that the trainer left: the agent
   * answers for it, and it is acknowledged with the rest.
   */
  | {
      readonly _tag: "Events"
      readonly epoch: Epoch
      readonly firstSeq: number
      readonly lastSeq: number
      readonly points: PointColumns
      readonly events: ReadonlyArray<TrialEvent>
    }
  | {
      readonly _tag: "Log"
      readonly epoch: Epoch
      readonly stream: "stdout" | "stderr"
      readonly offset: number
      readonly end: number
      readonly text: string
    }
  /** Sent after every line of the spool was; again after a reconnect until it is acknowledged. */
  | {
      readonly _tag: "Ended"
      readonly epoch: Epoch
      readonly lastSeq: number
      readonly end: AttemptEnd
      /** What of the spool could not be sent; absent when everything was. */
      readonly skipped?: SkippedLines | undefined
    }
  /** Lines of the agent's own log, for people: since protocol 2. */
  | { readonly _tag: "Notes"; readonly lines: ReadonlyArray<string> }

export interface Acknowledged {
  readonly epoch: Epoch
  readonly seq: number
  readonly stdout: number
  readonly stderr: number
}

export type StopMode =
  /** Save, answer the probes, report `finished` with `interrupted`. */
  | "finish"
  /** Checkpoint and exit at once (SIGTERM); the attempt is reported as released. */
  | "preempt"
  /** SIGKILL to the tree; nothing is reported but the end. */
  | "kill"

export type CoordinatorMessage =
  | {
      readonly _tag: "Welcome"
      /** What the coordinator speaks. */
      readonly protocol: number
      readonly timings: Timings
      /** What is committed of the attempts the agent holds: it sends from there on. */
      readonly acknowledged: ReadonlyArray<Acknowledged>
      /** Attempts the agent holds that are no longer wanted: end them and forget their spool. */
      readonly discard: ReadonlyArray<Epoch>
      /** Which store it keeps; absent from an older coordinator. */
      readonly store?: string | undefined
    }
  | {
      readonly _tag: "Assign"
      readonly sweep: SweepId
      readonly trial: TrialNumber
      readonly attempt: number
      readonly epoch: Epoch
      readonly slot: number
      /** The name of the trainer to start, and for `command` its argument vector. */
      readonly trainer: AgentTrainer
      readonly command: ReadonlyArray<string> | null
      /** trial.json without `devices`, which the agent fills in from the slot. */
      readonly trialJson: string
    }
  | { readonly _tag: "Stop"; readonly epoch: Epoch; readonly mode: StopMode; readonly reason: Reason }
  | {
      readonly _tag: "Ack"
      readonly acknowledged: ReadonlyArray<Acknowledged>
      /** Ends that are committed: the agent may remove the attempt's directory by its retention rule. */
      readonly ended: ReadonlyArray<Epoch>
    }
  /** The answer to the heartbeat of that moment. */
  | { readonly _tag: "Heard"; readonly at: number }
  /** Finish what runs, take no more, then disconnect. */
  | { readonly _tag: "Drain"; readonly reason: Reason }
