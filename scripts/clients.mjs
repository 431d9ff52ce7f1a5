// `npm run clients`: OpenAI's and LangChain's own clients against the server of a trained model, in an environment of their own.
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { orExplain, prepare, preparedEnvironment, root } from "./prepare.mjs"

const packages = ["openai==3.57.0", "langchain-openai==1.7.4"]

const run = (...argv) => {
  const { status } = spawnSync(argv[0], argv.slice(1), { cwd: root, env: preparedEnvironment(), stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
}

await orExplain(async () => {
  await prepare({ forTests: true })
  const trainer = join(root, ".venv/bin/python")
  const python = join(root, ".venv-clients/bin/python")
  if (!existsSync(python)) run(trainer, "-m", "venv", join(root, ".venv-clients"))
  run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages)
  run(python, "agents/trainer/clients/check_clients.py", trainer)
})
