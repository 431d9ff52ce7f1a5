// An engine owns machines and starts agents on them when asked: Slurm, Ray. Owns the contract, which is as small as it
// can be: start, list, cancel. What an agent does once it runs (leases, checkpoints, leaving when idle) is the agent's.
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** An engine that cannot be asked or says no; `message` holds the engine's own words. */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", { message: Schema.String }) {}

export interface EngineJob {
  /** Unique in the engine; the agent's id is `agentIdOf` this. */
  readonly id: string
  readonly state: "queued" | "running" | "ended"
  /** Where it runs, when it does and the engine says so. */
  readonly host: string | null
  /** Why it is queued or has ended, in the engine's words. */
  readonly reason: string | null
}

export interface AgentJob {
  /** Jobs of one coordinator share a name: how `list` finds them. Letters, digits, `-`. */
  readonly name: string
  /** The argument vector of an agent, without `--id` and `--directory`, which the engine adds for each job. */
  readonly command: ReadonlyArray<string>
  /** A folder that every machine sees: logs, and a directory for each agent. */
  readonly directory: string
}

export interface Engine {
  readonly name: string
  /** Asks for `count` agents; returns their job ids. They may stay queued. */
  readonly start: (count: number, job: AgentJob) => Effect.Effect<ReadonlyArray<string>, EngineError>
  /** The jobs of that name which the engine still knows, ended ones among them for as long as it does. */
  readonly list: (name: string) => Effect.Effect<ReadonlyArray<EngineJob>, EngineError>
  /** Ends them: a running agent gets the engine's usual notice. A job that is over already is no error. */
  readonly cancel: (ids: ReadonlyArray<string>) => Effect.Effect<void, EngineError>
}

/** The agent's id for a job: what an id may hold, the same on every side. */
export const agentIdOf = (engine: string, job: string): string => `${engine}-${job.replace(/[^A-Za-z0-9._-]/g, "-")}`
