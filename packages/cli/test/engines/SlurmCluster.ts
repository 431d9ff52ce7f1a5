// A real Slurm on this machine: one controller and some nodes as processes on loopback, without cgroups and munge. Needs
// Debian's slurmctld, slurmd and slurm-client, and root. Everything it starts ends with it, by its pid.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import process from "node:process"

const nodes = ["n1", "n2", "n3"]

export class SlurmCluster {
  readonly #processes = new Map<string, ChildProcess>()
  readonly #directory: string
  readonly environment: NodeJS.ProcessEnv

  constructor(directory: string, port: number) {
    this.#directory = directory
    const conf = join(directory, "slurm.conf")
    for (const name of ["state", ...nodes.map((node) => `spool-${node}`)]) mkdirSync(join(directory, name))
    const host = hostname().split(".")[0]!
    writeFileSync(
      conf,
      `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${port}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=20
MinJobAge=300
SchedulerParameters=sched_interval=1
StateSaveLocation=${directory}/state
SlurmdSpoolDir=${directory}/spool-%n
SlurmctldPidFile=${directory}/slurmctld.pid
SlurmdPidFile=${directory}/slurmd-%n.pid
MpiDefault=none
${nodes.map((node, i) => `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port + 1 + i} CPUs=2 RealMemory=2000`).join("\n")}
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
    )
    this.environment = { ...process.env, SLURM_CONF: conf }
  }

  #start(name: string, command: string, args: ReadonlyArray<string>): void {
    const log = openSync(join(this.#directory, `${name}.log`), "a")
    this.#processes.set(name, spawn(command, args, { env: this.environment, stdio: ["ignore", log, log] }))
    closeSync(log)
  }

  async start(): Promise<void> {
    this.#start("controller", "slurmctld", ["-D"])
    for (const node of nodes) this.#start(node, "slurmd", ["-D", "-N", node])
    while (
      !this.ask("sinfo", "-h", "-o", "%t", "-N")
        .split("\n")
        .filter(Boolean)
        .every((state) => state === "idle")
    ) {
      await new Promise((done) => setTimeout(done, 200))
    }
  }

  /** What a command of Slurm's prints; nothing when it fails, as it does before the controller answers. */
  ask(command: string, ...args: ReadonlyArray<string>): string {
    try {
      return execFileSync(command, args, {
        env: this.environment,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      })
    } catch {
      return "?"
    }
  }

  stop(): void {
    this.ask("scancel", "--user=root")
    for (const child of this.#processes.values()) child.kill("SIGKILL")
  }
}
