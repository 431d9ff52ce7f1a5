// `sweep agent --service`: the agent as a systemd service of this host. Owns writing the unit: the hardened one of
// agents/deploy with this host's user, paths and command, or, without root, a unit of the user's own systemd, which may
// not take as much away. Starting it is systemctl's.
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { homedir, userInfo } from "node:os"
import { dirname, join, resolve } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import { badInput, stateFailure } from "../exitCodes.ts"
import { note } from "../output.ts"
import { programRoot } from "../programRoot.ts"
import { runProgram } from "../running/runProgram.ts"

const unitName = "sweep-agent.service"
/** Where systemd makes the state directory that the unit names. */
export const serviceHome = "/var/lib/sweep"

export interface Unit {
  /** The agent's argument vector. */
  readonly command: ReadonlyArray<string>
  readonly home: string
  /** `null`: a unit of the user's own systemd. */
  readonly user: string | null
  /** Variables of this environment that the agent needs, such as SWEEP_PYTHON. */
  readonly environment: Readonly<Record<string, string>>
}

/** A word of ExecStart or Environment: systemd reads quotes, backslashes, `%` and `$`. */
const word = (text: string): string => {
  const escaped = text.replaceAll("%", "%%").replaceAll("$", "$$$$")
  return /^[A-Za-z0-9_./:=,@%+$-]+$/.test(escaped)
    ? escaped
    : `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`
}
const assignment = (name: string, value: string): string =>
  `Environment=${word(`${name}=${value}`).replaceAll("$$", "$")}`

/** Of the template, what a user's systemd can do without privileges. */
const forUsers =
  /^(?:Environment|UMask|ExecStart|Restart|RestartSec|RestartPreventExitStatus|KillMode|TimeoutStopSec|OOMPolicy|NoNewPrivileges|WorkingDirectory|LockPersonality|RestrictRealtime|RestrictSUIDSGID|SystemCallArchitectures)=/

/** The unit's text, from the template of agents/deploy. Pure. */
export const unitText = (template: string, unit: Unit): string => {
  const { command, home, user, environment } = unit
  const ownHome = home === serviceHome && user !== null
  const settings = [assignment("SWEEP_HOME", home), ...Object.entries(environment).map(([k, v]) => assignment(k, v))]
  const lines: Array<string> = []
  let section = ""
  for (const line of template.split("\n")) {
    // What is said to those who copy the file.
    if (line.startsWith("#") && section === "") continue
    if (line.startsWith("[")) section = line
    if (line.startsWith("Documentation=")) lines.push(`Documentation=file:${programRoot}/README.md`)
    else if (line.startsWith("#Environment=") || line.startsWith("# For a coordinator on another host")) continue
    else if (line.startsWith("User=")) lines.push(...(user === null ? [] : [`User=${user}`]))
    else if (line.startsWith("StateDirectory")) {
      if (ownHome) lines.push(line)
      else if (user !== null && line.startsWith("StateDirectory=")) lines.push(`ReadWritePaths=${word(home)}`)
    } else if (line.startsWith("WorkingDirectory=")) lines.push(`WorkingDirectory=${home}`)
    else if (line.startsWith("Environment=SWEEP_HOME")) lines.push(...settings)
    else if (line.startsWith("ExecStart=")) lines.push(`ExecStart=${command.map(word).join(" ")}`)
    else if (line.startsWith("WantedBy=")) lines.push(user === null ? "WantedBy=default.target" : line)
    else if (user === null && section === "[Service]" && /^[A-Z]/.test(line) && !forUsers.test(line)) continue
    else lines.push(line)
  }
  return `${lines
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()}\n`
}

/** How this program is started again, whatever installed it. */
const thisProgram = (): ReadonlyArray<string> => {
  const [how, ...path] = (process.env["SWEEP_INSTALLED"] ?? "").split(" ")
  if (how === "pip") return [path.join(" "), "-m", "sweep_ft"]
  if (how === "npm") return [process.execPath, resolve(process.argv[1]!)]
  return [join(programRoot, "sweep")]
}

/** The user that the service runs as: the one who called sudo, else `sweep`. */
const serviceUser = (named: string | undefined) =>
  Effect.gen(function* () {
    const name = named ?? process.env["SUDO_USER"] ?? "sweep"
    const found = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .find(([user]) => user === name)
    if (found === undefined) {
      return yield* badInput(
        `--service: there is no user '${name}' on this host. Make one (useradd --system --create-home ${name}), or name another with --service-user USER`,
      )
    }
    return { name, uid: Number(found[2]), gid: Number(found[3]) }
  })

const systemctl = (...args: ReadonlyArray<string>) =>
  runProgram(["systemctl", ...args], "inherit").pipe(
    Effect.mapError(({ how }) => stateFailure(`systemctl ${args.join(" ")} failed (${how}); the unit is written`)),
  )

export const installService = Effect.fn("installService")(function* (options: {
  /** Of `sweep agent`, without --join and --service. */
  readonly flags: ReadonlyArray<string>
  readonly home: string
  /** The file that holds the identity, for the service's user to read. */
  readonly identity: string
  readonly user: string | undefined
  readonly python: string | undefined
}) {
  const isRoot = userInfo().uid === 0
  if (!isRoot && options.user !== undefined) {
    return yield* badInput("--service-user needs root: without it, the service runs as you")
  }
  const user = isRoot ? yield* serviceUser(options.user) : null
  const directory = isRoot ? "/etc/systemd/system" : join(homedir(), ".config/systemd/user")
  const path = join(process.env["SWEEP_UNITS"] ?? directory, unitName)
  const python = options.python ?? process.env["SWEEP_PYTHON"]
  const text = unitText(readFileSync(join(programRoot, "agents/deploy", unitName), "utf8"), {
    command: [...thisProgram(), "agent", ...options.flags],
    home: options.home,
    user: user === null ? null : user.name,
    environment: python === undefined || process.env["SWEEP_PREPARES_PYTHON"] === "1" ? {} : { SWEEP_PYTHON: python },
  })
  yield* Effect.try({
    try: () => {
      if (user !== null) {
        chownSync(options.home, user.uid, user.gid)
        chownSync(options.identity, user.uid, user.gid)
      }
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text, { mode: 0o644 })
    },
    catch: (error) => stateFailure(`the service cannot be installed: ${(error as Error).message}`),
  })
  const scope = isRoot ? [] : ["--user"]
  if (!existsSync(isRoot ? "/run/systemd/system" : `/run/user/${userInfo().uid}/systemd`)) {
    yield* note(
      `${path} is written. systemd does not run here: where it does, start it with systemctl ${[...scope, "enable", "--now", "sweep-agent"].join(" ")}`,
    )
    return
  }
  yield* systemctl(...scope, "daemon-reload")
  yield* systemctl(...scope, "enable", "--now", unitName)
  yield* note(
    `${path} is installed and runs. Its log: journalctl ${isRoot ? "" : "--user "}-u sweep-agent${isRoot ? "" : "; loginctl enable-linger keeps it when you log out"}`,
  )
})
