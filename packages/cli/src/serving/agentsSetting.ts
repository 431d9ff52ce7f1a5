// The `agents` setting: which engine starts agents, and how. Owns reading it, from a YAML file or from `--set` flags, and
// the agent's command line that an engine is given.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parse } from "yaml"
import { AgentsSetting } from "@sweep/engines/engineFor"
import type { AgentJob } from "@sweep/engines/Engine"
import { badInput } from "../exitCodes.ts"
import { programRoot } from "../programRoot.ts"

const decode = (source: string, value: unknown) => {
  const decoded = Schema.decodeUnknownResult(AgentsSetting, { onExcessProperty: "error" })(value)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : Effect.fail(
        badInput(
          `${source} is no setting for agents: ${decoded.failure.message}\nExpected 'engine: slurm' (partition, gres, time, account, qos, cpus_per_task, memory, throttle), 'engine: ray' (address, gpus, cpus, memory), 'engine: ssh' (hosts, per_host, package, remote_directory, ssh) or 'engine: kubernetes' (image, namespace, gpus, cpus, memory, queue, node_selector, tolerations, secret, pull_secret, claim, address), and for all min, max, idle_exit, directory, command, args, coordinator, notice.`,
        ),
      )
}

export const readAgentsFile = Effect.fn("readAgentsFile")(function* (path: string) {
  const value = yield* Effect.try({
    try: () => parse(readFileSync(path, "utf8")) as unknown,
    catch: (error) => badInput(`${path} cannot be read: ${(error as Error).message}`),
  })
  return yield* decode(path, value)
})

/** `--engine slurm --set partition=gpu`: a value of digits is a number, any other is text. */
export const agentsOfFlags = Effect.fn("agentsOfFlags")(function* (engine: string, sets: ReadonlyArray<string>) {
  const value: Record<string, unknown> = { engine }
  for (const set of sets) {
    const at = set.indexOf("=")
    if (at < 1) return yield* badInput(`--set ${set}: expected KEY=VALUE, such as partition=gpu`)
    const text = set.slice(at + 1)
    const key = set.slice(0, at)
    value[key] = key === "hosts" ? text.split(",") : /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
  }
  return yield* decode(`--engine ${engine}`, value)
})

/** The jobs of one state directory share a name, by which the engine finds them again after a restart. */
export const jobName = (home: string): string =>
  `sweep-${createHash("sha256").update(resolve(home)).digest("hex").slice(0, 8)}`

const defaultIdleExit = "5m"

/** Whether agents start the program where it lies here: not in a container, and not where it is installed first. */
const isThere = ({ engine }: AgentsSetting): boolean =>
  (engine === "slurm" || engine === "ray") && process.env["SWEEP_INSTALLED"] === undefined

/** What the engine is asked to run. `coordinator`: the address as agents reach it; `access`: their access file. */
export const agentJob = (
  setting: AgentsSetting,
  of: { readonly home: string; readonly coordinator: string; readonly access: string | undefined },
): AgentJob => ({
  name: jobName(of.home),
  directory: resolve(setting.directory ?? `${of.home}/engine`),
  command: [
    // By default this program, which then has to lie at the same place on every machine.
    ...(setting.command ?? (isThere(setting) ? [`${programRoot}/sweep`] : ["sweep"])),
    "agent",
    "--coordinator",
    setting.coordinator ?? of.coordinator,
    ...(of.access === undefined ? [] : ["--access", of.access]),
    "--idle-exit",
    setting.idle_exit ?? defaultIdleExit,
    ...(setting.args ?? []),
  ],
})
