// The engine that an `agents` setting names. Owns the setting's schema: what a user writes in a file or as flags.
import * as Schema from "effect/Schema"
import type { Engine } from "./Engine.ts"
import { kubernetes } from "./kubernetes.ts"
import { ray } from "./ray.ts"
import { slurm } from "./slurm.ts"
import { ssh } from "./ssh.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const scaling = {
  /** Agents at least and at most; the coordinator asks for as many as trials are open. */
  min: Schema.optionalKey(count),
  max: Schema.optionalKey(count),
  /** After how long without a trial an agent leaves, such as `5m`. */
  idle_exit: Schema.optionalKey(Schema.String),
  /** A folder that every machine sees. */
  directory: Schema.optionalKey(Schema.String),
  /** How an agent is started there; `sweep agent` unless given. */
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Further arguments of `sweep agent`, such as `--allow-commands`. */
  args: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The coordinator's address as agents reach it. */
  coordinator: Schema.optionalKey(Schema.String),
  /** Seconds from the notice of preemption until the machine is gone. */
  notice: Schema.optionalKey(count),
}

export const AgentsSetting = Schema.Union([
  Schema.Struct({
    engine: Schema.Literal("slurm"),
    ...scaling,
    partition: Schema.optionalKey(Schema.String),
    gres: Schema.optionalKey(Schema.String),
    time: Schema.optionalKey(Schema.String),
    account: Schema.optionalKey(Schema.String),
    qos: Schema.optionalKey(Schema.String),
    cpus_per_task: Schema.optionalKey(count),
    memory: Schema.optionalKey(Schema.String),
    throttle: Schema.optionalKey(count),
  }),
  Schema.Struct({
    engine: Schema.Literal("ray"),
    ...scaling,
    address: Schema.String,
    gpus: Schema.optionalKey(Schema.Finite),
    cpus: Schema.optionalKey(Schema.Finite),
    /** Bytes. */
    memory: Schema.optionalKey(count),
  }),
  Schema.Struct({
    engine: Schema.Literal("ssh"),
    ...scaling,
    hosts: Schema.NonEmptyArray(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_][A-Za-z0-9_.@:-]*$/))),
    ssh: Schema.optionalKey(Schema.Array(Schema.String)),
    per_host: Schema.optionalKey(count),
    package: Schema.optionalKey(Schema.String),
    remote_directory: Schema.optionalKey(Schema.String),
  }),
  Schema.Struct({
    engine: Schema.Literal("kubernetes"),
    ...scaling,
    address: Schema.optionalKey(Schema.String),
    namespace: Schema.optionalKey(Schema.String),
    image: Schema.String,
    gpus: Schema.optionalKey(count),
    cpus: Schema.optionalKey(Schema.Finite),
    memory: Schema.optionalKey(Schema.String),
    queue: Schema.optionalKey(Schema.String),
    node_selector: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    tolerations: Schema.optionalKey(
      Schema.Array(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite]))),
    ),
    secret: Schema.optionalKey(Schema.String),
    pull_secret: Schema.optionalKey(Schema.String),
    claim: Schema.optionalKey(Schema.String),
  }),
])
export type AgentsSetting = typeof AgentsSetting.Type

export const engineFor = (setting: AgentsSetting): Engine => {
  switch (setting.engine) {
    case "slurm": {
      const { cpus_per_task: cpusPerTask, ...options } = setting
      return slurm({ ...options, ...(cpusPerTask === undefined ? {} : { cpusPerTask }) })
    }
    case "ray":
      return ray(setting)
    case "ssh": {
      const { per_host: perHost, remote_directory: remoteDirectory, ...options } = setting
      return ssh({
        ...options,
        installs: setting.command === undefined,
        ...(perHost === undefined ? {} : { perHost }),
        ...(remoteDirectory === undefined ? {} : { remoteDirectory }),
      })
    }
    case "kubernetes": {
      const { node_selector: nodeSelector, pull_secret: pullSecret, ...options } = setting
      return kubernetes({
        ...options,
        ...(nodeSelector === undefined ? {} : { nodeSelector }),
        ...(pullSecret === undefined ? {} : { pullSecret }),
      })
    }
  }
}
