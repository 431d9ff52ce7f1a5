// Hosts to reach over SSH: for each a real sshd on loopback, which starts every command in a folder of its own with a bare
// environment. Needs Debian's openssh-server, and root. Everything it starts ends with it, by its pid.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export class SshHosts {
  readonly config: string
  readonly directory: string
  readonly #servers = new Map<string, ChildProcess>()

  /** `environment`: what a login there has beside the path of the system. */
  constructor(
    directory: string,
    hosts: ReadonlyArray<string>,
    port: number,
    environment: Readonly<Record<string, string>>,
  ) {
    this.directory = directory
    mkdirSync(directory, { recursive: true })
    mkdirSync("/run/sshd", { recursive: true })
    const keys = ["host", "user"].map((name) => join(directory, name))
    for (const key of keys) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key])
    cpSync(`${keys[1]}.pub`, join(directory, "authorized"))
    chmodSync(join(directory, "authorized"), 0o600)
    const own = Object.entries(environment).map(([name, value]) => `SetEnv ${name}=${value}`)
    const sections = hosts.map((host, i) => {
      const folder = this.folder(host)
      mkdirSync(folder)
      const config = join(directory, `${host}.conf`)
      writeFileSync(
        config,
        [
          `Port ${port + i}`,
          "ListenAddress 127.0.0.1",
          `HostKey ${keys[0]}`,
          `AuthorizedKeysFile ${directory}/authorized`,
          "StrictModes no",
          "UsePAM no",
          "PasswordAuthentication no",
          "PermitRootLogin prohibit-password",
          `PidFile ${directory}/${host}.pid`,
          `ForceCommand cd ${folder} && exec /bin/sh -s`,
          // One line: of several, sshd takes the first alone.
          `SetEnv PATH=/usr/bin:/bin ${own.map((line) => line.slice("SetEnv ".length)).join(" ")}`,
          "",
        ].join("\n"),
      )
      this.#servers.set(host, spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config], { stdio: "ignore" }))
      return `Host ${host}\n  HostName 127.0.0.1\n  Port ${port + i}\n`
    })
    this.config = join(directory, "config")
    writeFileSync(
      this.config,
      `${sections.join("")}Host *\n  User root\n  IdentityFile ${keys[1]}\n  IdentitiesOnly yes\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile ${directory}/known\n`,
    )
  }

  folder(host: string): string {
    return join(this.directory, `home-${host}`)
  }

  stop(): void {
    for (const server of this.#servers.values()) server.kill("SIGKILL")
  }
}
