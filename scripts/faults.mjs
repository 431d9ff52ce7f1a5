// `npm run faults`: everything that can go wrong, simulated and with real processes; `-- --seed N` tells one simulated
// run step by step (packages/simulator/src/faults/faults.ts).
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { nodePath, orExplain, prepare, preparedEnvironment, root } from "./prepare.mjs"

await orExplain(async () => {
  await prepare({ forTests: true })
  const done = spawnSync(nodePath, [join(root, "packages/simulator/src/faults/faults.ts"), ...process.argv.slice(2)], {
    cwd: root,
    env: preparedEnvironment(),
    stdio: "inherit",
  })
  process.exit(done.status ?? 1)
})
