// `npm run hostile`: authorised but malicious agents, submitters and readers, and strangers, against a real coordinator
// (packages/simulator/src/hostile/hostile.ts).
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { nodePath, orExplain, prepare, preparedEnvironment, root } from "./prepare.mjs"

await orExplain(async () => {
  await prepare({ forTests: true })
  const program = join(root, "packages/simulator/src/hostile/hostile.ts")
  const done = spawnSync(nodePath, [program, ...process.argv.slice(2)], {
    cwd: root,
    env: preparedEnvironment(),
    stdio: "inherit",
  })
  process.exit(done.status ?? 1)
})
