// `npm run bench -- NAME`: runs bench/src/NAME.ts; the last line it prints is its result as one JSON object.
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { nodePath, orExplain, prepare, preparedEnvironment, root } from "./prepare.mjs"

const [name, ...args] = process.argv.slice(2)
const directory = join(root, "bench/src")
const names = readdirSync(directory)
  .filter((file) => /^[a-z]+\.ts$/.test(file))
  .map((file) => file.slice(0, -3))
if (name === undefined || !existsSync(join(directory, `${name}.ts`))) {
  console.error(`usage: npm run bench -- NAME, where NAME is one of: ${names.join(", ")}`)
  process.exit(64)
}
await orExplain(async () => {
  await prepare()
  const done = spawnSync(nodePath, [join(directory, `${name}.ts`), ...args], {
    cwd: root,
    env: preparedEnvironment(),
    stdio: "inherit",
  })
  process.exit(done.status ?? 1)
})
