// Agents as Slurm jobs: one array per request, whose tasks are agents. Owns the batch script and reading `squeue`. The
// agent is started with `srun`: so it hears of preemption, of a cancellation and of the time limit at once, where the
// batch shell hears only when the grace time is over. No daemon of ours runs on the login node.
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { Engine, EngineJob } from "./Engine.ts"
import { command } from "./command.ts"
import { quoted } from "./quoted.ts"

export interface SlurmOptions {
  readonly partition?: string
  /** Generic resources of one agent, such as `gpu:1`. */
  readonly gres?: string
  /** Slurm's time limit, such as `04:00:00`. */
  readonly time?: string
  readonly account?: string
  readonly qos?: string
  readonly cpusPerTask?: number
  readonly memory?: string
  /** Seconds of notice before the time limit; what the agent is told as `--notice`. */
  readonly notice?: number
  /** Agents of one request that may run at once. */
  readonly throttle?: number
}

const defaultNotice = 60

/** The batch script of an array of `count` agents. */
export const batchScript = (
  options: SlurmOptions,
  job: { readonly name: string; readonly command: ReadonlyArray<string>; readonly directory: string },
  count: number,
): string => {
  const { partition, gres, time, account, qos, cpusPerTask, memory, throttle, notice = defaultNotice } = options
  const of = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`#SBATCH --${name}=${value}`]
  const task = "$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID"
  return [
    "#!/bin/sh",
    ...of("job-name", job.name),
    ...of("array", `1-${count}${throttle === undefined ? "" : `%${throttle}`}`),
    ...of("partition", partition),
    ...of("gres", gres),
    ...of("time", time),
    ...of("account", account),
    ...of("qos", qos),
    ...of("cpus-per-task", cpusPerTask),
    ...of("mem", memory),
    "#SBATCH --nodes=1",
    "#SBATCH --ntasks=1",
    // To the steps and not to the shell: the agent itself has to hear it.
    ...of("signal", `TERM@${notice}`),
    // The coordinator dispatches again; a job that Slurm runs twice would be an agent that nobody asked for.
    "#SBATCH --no-requeue",
    "#SBATCH --open-mode=append",
    `#SBATCH --output=${join(job.directory, "slurm-%A_%a.log")}`,
    [
      "exec srun --ntasks=1",
      ...(gres === undefined ? [] : [`--gres=${gres}`]),
      ...job.command.map(quoted),
      `--on-term release --notice ${notice}s --id slurm-${task}`,
      `--directory ${quoted(job.directory)}/${task}`,
    ].join(" "),
    "",
  ].join("\n")
}

/** What Slurm's states mean here; a job that is completing still holds its machine. */
const stateOf = (state: string): EngineJob["state"] => {
  if (["PENDING", "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "SUSPENDED"].includes(state))
    return "queued"
  return ["RUNNING", "COMPLETING", "CONFIGURING", "SIGNALING", "STAGE_OUT", "STOPPED"].includes(state)
    ? "running"
    : "ended"
}

/** `squeue` with `--array --format=%A|%F|%K|%T|%N|%r`: one task a line. */
export const readQueue = (text: string): ReadonlyArray<EngineJob> =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, array, task, state, node, reason] = line.trim().split("|")
      const why = reason === undefined || reason === "" || reason === "None" ? null : reason
      return {
        id: `${array}-${task}`,
        state: stateOf(state!),
        host: node === undefined || node === "" ? null : node,
        reason: stateOf(state!) === "ended" ? `${state}${why === null ? "" : ` (${why})`}` : why,
      }
    })

export const slurm = (options: SlurmOptions): Engine => ({
  name: "slurm",
  start: (count, job) =>
    Effect.map(command(["sbatch", "--parsable"], batchScript(options, job, count)), (said) => {
      const array = said.trim().split(";")[0]!
      return Array.from({ length: count }, (_, i) => `${array}-${i + 1}`)
    }),
  list: (name) =>
    Effect.map(
      command(["squeue", "--noheader", "--array", "--states=all", `--name=${name}`, "--format=%A|%F|%K|%T|%N|%r"]),
      readQueue,
    ),
  cancel: (ids) =>
    ids.length === 0 ? Effect.void : Effect.asVoid(command(["scancel", ...ids.map((id) => id.replace("-", "_"))])),
})
