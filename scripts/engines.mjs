// `npm run engines`: sweeps on real engines on this machine. Needs Debian's slurmctld, slurmd and slurm-client, and root.
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { nodePath, orExplain, prepare, preparedEnvironment, root } from "./prepare.mjs"

await orExplain(async () => {
  await prepare({ forTests: true })
  for (const command of ["slurmctld", "slurmd", "sbatch"]) {
    if (spawnSync(command, ["-V"]).error === undefined) continue
    console.error(
      `${command} is missing. Install Slurm (Debian, Ubuntu: apt install slurmctld slurmd slurm-client), then run this again.`,
    )
    process.exit(69)
  }
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const args = ["run", "--config", "vitest.engines.config.ts", ...process.argv.slice(2)]
  const done = spawnSync(nodePath, [vitest, ...args], { cwd: root, env: preparedEnvironment(), stdio: "inherit" })
  process.exit(done.status ?? 1)
})
