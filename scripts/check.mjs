// `npm run check`: the static checks alone.
import { runChecks } from "./checks.mjs"
import { orExplain, prepare } from "./prepare.mjs"

await orExplain(async () => {
  await prepare({ forTests: true })
  process.exit((await runChecks()) === 0 ? 0 : 1)
})
