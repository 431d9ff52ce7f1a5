// The directory of one attempt, `<home>/attempts/<epoch>/`: the files of the trainer contract and the agent's own
// agent.json, which lets a restarted agent know what it had started. Owns where they lie and how they are written and
// read; what they mean for the attempt's life is Attempt's, how long they are kept is retention's.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import type { Device } from "@sweep/domain/Device"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { StoredReason } from "@sweep/domain/Reason"
import { FailureClass } from "@sweep/domain/TrialEvent"
import { agentTrainers, type AttemptEnd, type CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import * as Schema from "effect/Schema"
import { writeAtomically } from "../host/AgentHome.ts"
import { ProcessTree } from "../process/ProcessTree.ts"

export type Assignment = Extract<CoordinatorMessage, { readonly _tag: "Assign" }>

/** JSON has no NaN: a value that is not finite is kept as its name. */
const Value = Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity", "-Infinity"])])

const End = Schema.TaggedUnion({
  Finished: { interrupted: Schema.Boolean, step: Schema.Finite, values: Schema.Record(Schema.String, Value) },
  Failed: { class: FailureClass, message: StoredReason, detail: Schema.NullOr(Schema.String) },
  Released: { cause: StoredReason, pausedAt: Schema.optionalKey(Schema.Finite) },
})

const Record = Schema.Struct({
  contract: Schema.Literal(1),
  sweep: SweepId,
  trial: TrialNumber,
  attempt: Schema.Int,
  epoch: Epoch,
  slot: Schema.Int,
  trainer: Schema.Literals(agentTrainers),
  command: Schema.NullOr(Schema.Array(Schema.String)),
  /** The trainer's processes; `null` before the start. */
  tree: Schema.NullOr(ProcessTree),
  /** What the coordinator has committed: the last line, where the next one begins, and bytes of each log. */
  acknowledged: Schema.Struct({
    seq: Schema.Int,
    offset: Schema.Int,
    stdout: Schema.Int,
    stderr: Schema.Int,
  }),
  end: Schema.NullOr(End),
  /** Whether the coordinator has committed the end: nothing more will be sent. */
  settled: Schema.Boolean,
  /** Whether its files are with the coordinator, as far as it wants them; absent before that is asked. */
  handedOver: Schema.optionalKey(Schema.Boolean),
})
/** agent.json */
export type AttemptRecord = typeof Record.Type

const decodeRecord = Schema.decodeUnknownOption(Schema.fromJsonString(Record))

export const encodeEnd = (end: AttemptEnd): NonNullable<AttemptRecord["end"]> =>
  end._tag !== "Finished"
    ? end
    : {
        ...end,
        values: Object.fromEntries(
          Object.entries(end.values).map(([name, value]) => [
            name,
            Number.isFinite(value) ? value : (String(value) as "NaN"),
          ]),
        ),
      }

export const decodeEnd = (end: NonNullable<AttemptRecord["end"]>): AttemptEnd =>
  end._tag !== "Finished"
    ? end
    : { ...end, values: Object.fromEntries(Object.entries(end.values).map(([name, value]) => [name, Number(value)])) }

export class AttemptDirectory {
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
  get trial(): string {
    return join(this.path, "trial.json")
  }
  /** trial.json as the coordinator sent it: which attempts are of the same trial does not depend on the host's paths. */
  get assigned(): string {
    return join(this.path, "assigned.json")
  }
  get events(): string {
    return join(this.path, "events.jsonl")
  }
  get control(): string {
    return join(this.path, "control.jsonl")
  }
  log(stream: "stdout" | "stderr"): string {
    return join(this.path, `${stream}.log`)
  }
  get checkpoints(): string {
    return join(this.path, "checkpoints")
  }
  private get record(): string {
    return join(this.path, "agent.json")
  }
  write(record: AttemptRecord): void {
    writeAtomically(this.record, JSON.stringify(record))
  }
  /** `undefined` when there is no agent.json or it is not one of ours. */
  read(): AttemptRecord | undefined {
    let text: string
    try {
      text = readFileSync(this.record, "utf8")
    } catch {
      return undefined
    }
    const decoded = decodeRecord(text)
    return decoded._tag === "Some" ? decoded.value : undefined
  }
  askToStop(reason: string): void {
    appendFileSync(this.control, `${JSON.stringify({ type: "stop", reason })}\n`)
  }
  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export const attemptDirectory = (home: string, epoch: Epoch): AttemptDirectory =>
  new AttemptDirectory(join(home, "attempts", String(epoch)))

/** Every attempt that left a readable record in the home directory. */
export const keptAttempts = (
  home: string,
): ReadonlyArray<{ readonly directory: AttemptDirectory; readonly record: AttemptRecord }> =>
  readdirSync(join(home, "attempts")).flatMap((name) => {
    const directory = new AttemptDirectory(join(home, "attempts", name))
    const record = directory.read()
    return record === undefined ? [] : [{ directory, record }]
  })

/** A folder a sweep, in which the trainers of its trials keep what they make once and share. */
export const cacheFolder = (home: string): string => join(home, "cache")

/**
 * Makes the directory with trial.json in it: what the coordinator sent, the slot's devices, where the sweep's trials
 * share what they make once, and the checkpoints of an earlier attempt of the same trial when `earlier` has any. Throws
 * when trialJson is no JSON object or the disk is full.
 */
export const makeAttempt = (
  directory: AttemptDirectory,
  assignment: Assignment,
  devices: ReadonlyArray<Device>,
  cache: string,
  earlier: AttemptDirectory | undefined,
): void => {
  const trial: unknown = JSON.parse(assignment.trialJson)
  if (typeof trial !== "object" || trial === null) throw new Error("the assignment's trial.json is no JSON object")
  mkdirSync(directory.path, { recursive: true })
  const resumes = earlier !== undefined && existsSync(earlier.checkpoints)
  if (resumes) renameSync(earlier.checkpoints, directory.checkpoints)
  const filled = {
    ...trial,
    cache,
    devices: devices.map(({ kind, index, threads }) => ({ kind, index, threads })),
    ...(resumes && { resume: true }),
  }
  writeFileSync(directory.assigned, assignment.trialJson)
  writeFileSync(directory.trial, `${JSON.stringify(filled, null, 1)}\n`)
  // In place before the trainer starts, so that the tail has something to watch and the order of their making is no matter.
  for (const file of [directory.events, directory.control, directory.log("stdout"), directory.log("stderr")]) {
    appendFileSync(file, "")
  }
}
