// Agents on a list of hosts, over SSH: nothing but sshd and Python has to be there. Owns the scripts that are sent, each to
// `sh` on standard input, so that no secret stands in a list of processes. A host is asked for its agents by their folders
// and process ids; one that does not answer keeps the agents it had: the coordinator's lease says when they are given up.
import { readFileSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import { command } from "./command.ts"
import { agentIdOf, type AgentJob, type Engine, EngineError, type EngineJob } from "./Engine.ts"
import { quoted } from "./quoted.ts"

export interface SshOptions {
  /** As `ssh` takes them: `gpu1`, `me@gpu2`, or a name of ~/.ssh/config. */
  readonly hosts: ReadonlyArray<string>
  /** The client with its options; `ssh` unless given. */
  readonly ssh?: ReadonlyArray<string>
  /** Agents of one host at once. */
  readonly perHost?: number
  /** What pip installs there where `installs`: a requirement, or a wheel of this machine, which is sent. */
  readonly package?: string
  /** Whether the program is installed there first. */
  readonly installs: boolean
  /** A folder of the hosts; below the home folder unless absolute. */
  readonly remoteDirectory?: string
  /** Seconds an agent gets to save and give its trials back. */
  readonly notice?: number
}

const defaultNotice = 30
const defaultDirectory = "sweep-agents"

/** The job's id holds the host, by which it is found again after a restart of the coordinator. */
const idOf = (host: string): string => `${host.replace(/[^A-Za-z0-9.-]/g, "-")}.${randomBytes(4).toString("hex")}`

const installing = (wanted: string, wheel: Buffer | undefined): ReadonlyArray<string> => {
  const name = wheel === undefined ? wanted : `$root/${basename(wanted)}`
  return [
    `env="$root/env"`,
    // The stamp is written last, and holds what was installed.
    `if [ "$(cat "$env/installed" 2>/dev/null)" != ${quoted(wanted)} ]; then`,
    ...(wheel === undefined
      ? []
      : [
          `python3 -c 'import base64,sys; sys.stdout.buffer.write(base64.b64decode(sys.stdin.read()))' > "${name}" <<'SWEEP_WHEEL'`,
          wheel.toString("base64"),
          "SWEEP_WHEEL",
        ]),
    `python3 -m venv "$env"`,
    `"$env/bin/pip" install --quiet --disable-pip-version-check ${wheel === undefined ? quoted(wanted) : `"${name}"`} >&2`,
    `printf %s ${quoted(wanted)} > "$env/installed"`,
    "fi",
    `PATH="$env/bin:$PATH"`,
  ]
}

/** Starts one agent, which outlives the connection. */
export const startScript = (options: SshOptions, job: AgentJob, id: string): string => {
  const { notice = defaultNotice, remoteDirectory = defaultDirectory } = options
  const wanted = options.package ?? "sweep-ft-agent"
  const wheel = options.installs && wanted.endsWith(".whl") ? readFileSync(wanted) : undefined
  const argv = [...job.command]
  const access = argv.indexOf("--access")
  const secret = access === -1 ? undefined : readFileSync(argv[access + 1]!, "utf8")
  if (access !== -1) argv.splice(access, 2)
  return [
    "set -eu",
    "umask 077",
    `mkdir -p ${quoted(remoteDirectory)}`,
    `root=$(cd ${quoted(remoteDirectory)} && pwd -P)`,
    `at="$root/${job.name}/${id}"`,
    'mkdir -p "$at"',
    ...(options.installs ? installing(wanted, wheel) : []),
    ...(secret === undefined ? [] : [`cat > "$at/access.json" <<'SWEEP_ACCESS'`, secret.trimEnd(), "SWEEP_ACCESS"]),
    // A session of its own: the end of the connection does not reach it.
    [
      'SWEEP_HOME="$at" setsid nohup',
      ...argv.map(quoted),
      ...(secret === undefined ? [] : ['--access "$at/access.json"']),
      `--on-term release --notice ${notice}s --id ${agentIdOf("ssh", id)} --directory "$at/agent"`,
      '</dev/null >>"$at/agent.log" 2>&1 &',
    ].join(" "),
    'echo $! > "$at/pid"',
    "",
  ].join("\n")
}

/** One line an agent of the last days: id, whether it runs. A pid alone may be another program's by now. */
const listScript = (options: Pick<SshOptions, "remoteDirectory">, name: string): string =>
  [
    `cd ${quoted(options.remoteDirectory ?? defaultDirectory)}/${name} 2>/dev/null || exit 0`,
    "for file in $(find . -mindepth 2 -maxdepth 2 -name pid -mtime -2); do",
    '  id=$(basename "$(dirname "$file")")',
    '  if tr "\\0" " " < "/proc/$(cat "$file")/cmdline" 2>/dev/null | grep -qF -- "$id"; then echo "$id running"; else echo "$id ended"; fi',
    "done",
    "",
  ].join("\n")

const cancelScript = (options: SshOptions, name: string, ids: ReadonlyArray<string>): string =>
  [
    `cd ${quoted(options.remoteDirectory ?? defaultDirectory)}/${name} 2>/dev/null || exit 0`,
    ...ids.map(
      (id) =>
        `tr "\\0" " " < "/proc/$(cat ${id}/pid)/cmdline" 2>/dev/null | grep -qF -- ${id} && kill -TERM "$(cat ${id}/pid)"`,
    ),
    "true",
    "",
  ].join("\n")

/** What `listScript` prints. */
export const readAgents = (text: string, host: string): ReadonlyArray<EngineJob> =>
  text
    .split("\n")
    .map((line) => line.trim().split(" "))
    .filter(([id, state]) => /^[A-Za-z0-9.-]+$/.test(id ?? "") && (state === "running" || state === "ended"))
    .map(([id, state]) => ({
      id: id!,
      state: state as "running" | "ended",
      host,
      reason: state === "ended" ? "its process has ended" : null,
    }))

export const ssh = (options: SshOptions): Engine => {
  const { hosts, ssh: client = ["ssh"], perHost = 1 } = options
  /** What was last seen on each host, and for what name. */
  const seen = new Map<string, ReadonlyArray<EngineJob>>()
  let name = ""
  const ask = (host: string, script: string) =>
    command(
      [...client, "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", host, "sh -s"],
      script,
      options.installs ? "10 minutes" : undefined,
    )

  const look = (host: string, of: string) =>
    Effect.map(ask(host, listScript(options, of)), (text) => {
      const jobs = readAgents(text, host)
      seen.set(host, jobs)
      return jobs
    }).pipe(
      Effect.catch((error) =>
        Effect.succeed(
          (seen.get(host) ?? []).map((job) => ({ ...job, reason: `${host} does not answer: ${error.message}` })),
        ),
      ),
    )
  const all = (of: string) =>
    Effect.map(
      Effect.forEach(hosts, (host) => look(host, of), { concurrency: 16 }),
      (found) => found.flat(),
    )

  return {
    name: "ssh",
    start: Effect.fnUntraced(function* (count, job) {
      name = job.name
      const taken = Map.groupBy(
        (yield* all(job.name)).filter(({ state }) => state === "running"),
        ({ host }) => host,
      )
      const places = hosts.flatMap((host) =>
        Array.from({ length: Math.max(0, perHost - (taken.get(host)?.length ?? 0)) }, (_, round) => ({ host, round })),
      )
      // Every host gets one before any gets a second. An installation takes a while, so all at once.
      const chosen = places.sort((a, b) => a.round - b.round).slice(0, count)
      const asked = yield* Effect.forEach(
        chosen,
        ({ host }) => {
          const id = idOf(host)
          return Effect.try({
            try: () => startScript(options, job, id),
            catch: (error) => new EngineError({ message: (error as Error).message }),
          }).pipe(
            Effect.flatMap((script) => ask(host, script)),
            Effect.as(id),
            Effect.mapError(({ message }) => `${host}: ${message}`),
            Effect.result,
          )
        },
        { concurrency: 16 },
      )
      const started = asked.flatMap((one) => (one._tag === "Success" ? [one.success] : []))
      const problems = asked.flatMap((one) => (one._tag === "Failure" ? [one.failure] : []))
      if (started.length === 0 && problems.length > 0) {
        return yield* new EngineError({ message: `no host started an agent: ${problems.join("; ")}` })
      }
      return started
    }),
    list: (of) => {
      name = of
      return all(of)
    },
    cancel: (ids) =>
      Effect.forEach(
        hosts.filter((host) => seen.get(host)?.some((job) => ids.includes(job.id))),
        (host) => {
          const here = ids.filter((id) => seen.get(host)!.some((job) => job.id === id))
          return ask(host, cancelScript(options, name, here))
        },
        { discard: true },
      ),
  }
}
