// What a monitor is told of a coordinator, in the text form that Prometheus reads. Owns the names, each explained here and
// in docs/operations.md; serving them is serveMetrics.ts'. Pure.
import type { SweepState } from "@sweep/domain/SweepState"
import type { AgentStatus } from "@sweep/protocol/SweepApi"

export interface Observed {
  readonly version: string
  readonly agents: ReadonlyArray<AgentStatus>
  readonly sweeps: ReadonlyArray<SweepState>
  /** Bytes of the database with its log, and free on its disk. */
  readonly storeBytes: number
  readonly diskFreeBytes: number
  readonly residentBytes: number
  readonly cpuSeconds: number
  /** Since the Unix epoch. */
  readonly startedAtSeconds: number
  /** The longest that the event loop was held up since the last look, in seconds. */
  readonly eventLoopDelaySeconds: number
  /** When the coordinator's certificate ends, in seconds since the Unix epoch; `null` without TLS. */
  readonly certificateEndsSeconds: number | null
  /** Whether the database that is open is still the file of its name. */
  readonly databaseInPlace: boolean
  /** When the newest verified backup was taken, in seconds since the Unix epoch, 0: none yet; `null` without `--backup-to`. */
  readonly backupSeconds: number | null
}

type Samples = ReadonlyArray<readonly [labels: Readonly<Record<string, string>>, value: number]>

const label = (text: string): string => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")

const metric = (name: string, type: "gauge" | "counter", help: string, samples: Samples): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${label(text)}"`)
      return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`
    }),
  ].join("\n")

const count = <K extends string>(known: ReadonlyArray<K>, found: Iterable<K>): ReadonlyMap<K, number> => {
  const counts = new Map<K, number>(known.map((key) => [key, 0]))
  for (const key of found) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

const by = (name: string, counts: ReadonlyMap<string, number>): Samples =>
  Array.from(counts, ([key, value]) => [{ [name]: key }, value] as const)

const agentStates = ["connected", "draining", "quarantined", "suspect", "lost"] as const
const sweepStatuses = ["running", "paused", "stopped", "finished"] as const
const trialStates = [
  "pending",
  "assigned",
  "running",
  "paused",
  "completed",
  "stopped",
  "failed",
  "infeasible",
  "cancelled",
] as const
const classes = ["oom", "diverged", "data", "dependency", "unreported", "bug"] as const

export const exposition = (seen: Observed): string => {
  const { agents, sweeps } = seen
  const trials = sweeps.flatMap((sweep) => Array.from(sweep.trials.values()))
  const served = agents.filter(({ state }) => state !== "lost")
  const slots = served.reduce((sum, agent) => sum + agent.slots.length, 0)
  const busy = served.reduce((sum, agent) => sum + agent.running.length, 0)
  const failed = trials.flatMap(({ failure }) => (failure === null ? [] : [failure.class]))
  const one = (name: string, type: "gauge" | "counter", help: string, value: number) =>
    metric(name, type, help, [[{}, value]])
  return `${[
    metric("sweep_info", "gauge", "Always 1; the version is its label.", [[{ version: seen.version }, 1]]),
    metric(
      "sweep_agents",
      "gauge",
      "Agents by state.",
      by(
        "state",
        count(
          agentStates,
          agents.map(({ state }) => state),
        ),
      ),
    ),
    one("sweep_slots", "gauge", "Places for trials on the agents that are not lost.", slots),
    one("sweep_slots_busy", "gauge", "Of these, those with a trial.", busy),
    metric(
      "sweep_sweeps",
      "gauge",
      "Sweeps by status.",
      by(
        "status",
        count(
          sweepStatuses,
          sweeps.map(({ status }) => status),
        ),
      ),
    ),
    metric(
      "sweep_trials",
      "gauge",
      "Trials of all sweeps by state.",
      by(
        "state",
        count(
          trialStates,
          trials.map(({ state }) => state),
        ),
      ),
    ),
    metric(
      "sweep_trials_failed",
      "gauge",
      "Failed trials of all sweeps by the class of the failure.",
      by("class", count(classes, failed)),
    ),
    one("sweep_store_bytes", "gauge", "Size of the database with its write-ahead log.", seen.storeBytes),
    one("sweep_disk_free_bytes", "gauge", "Free on the disk of the state directory.", seen.diskFreeBytes),
    one(
      "sweep_database_in_place",
      "gauge",
      "1; 0 once the open database was removed or replaced.",
      seen.databaseInPlace ? 1 : 0,
    ),
    ...(seen.backupSeconds === null
      ? []
      : [
          one(
            "sweep_last_backup_timestamp_seconds",
            "gauge",
            "When the newest verified backup was taken; 0: never.",
            seen.backupSeconds,
          ),
        ]),
    one(
      "sweep_event_loop_delay_seconds",
      "gauge",
      "The longest that the coordinator was held up since it was last asked.",
      seen.eventLoopDelaySeconds,
    ),
    ...(seen.certificateEndsSeconds === null
      ? []
      : [
          one(
            "sweep_certificate_end_timestamp_seconds",
            "gauge",
            "When the coordinator's certificate ends.",
            seen.certificateEndsSeconds,
          ),
        ]),
    one("process_resident_memory_bytes", "gauge", "Memory of the coordinator.", seen.residentBytes),
    one("process_cpu_seconds_total", "counter", "Time on the CPU of the coordinator.", seen.cpuSeconds),
    one("process_start_time_seconds", "gauge", "When the coordinator started.", seen.startedAtSeconds),
  ].join("\n")}\n`
}
