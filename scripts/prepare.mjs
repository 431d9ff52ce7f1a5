// Prepares a clone for use, step by step: a new enough Node, pnpm, the workspace, the bundle, the trainer's Python
// environment. Runs on the system's Node (20 or newer) without any dependency. Each step leaves a stamp with the hash
// of its inputs: an interrupted preparation continues where it was, and a change repeats only the steps it concerns.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tools = join(root, ".sweep-tools")
const nodeVersion = "24.21.0"
const pnpmVersion = "10.34.8"
/** The one that comes with a Python is as old as that Python, and known to be flawed. */
export const pipVersion = "26.3"
const leastNode = [22, 19]
const leastPython = [3, 10]
/** The Python environment takes 1.3 GB with a CPU build of torch; a CUDA build takes several times as much. */
const leastFreeBytes = 3e9

/** A preparation that cannot continue: one sentence on what is wrong and one on the remedy. */
class CannotPrepare extends Error {}

const hashOf = (...parts) => createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16)
const read = (path) => readFileSync(join(root, path), "utf8")
const stampPath = (name) => join(tools, "stamps", name)
const isStamped = (name, hash) => existsSync(stampPath(name)) && readFileSync(stampPath(name), "utf8") === hash
const stamp = (name, hash) => {
  mkdirSync(join(tools, "stamps"), { recursive: true })
  writeFileSync(stampPath(name), hash)
}

const atLeast = (version, least) => version[0] > least[0] || (version[0] === least[0] && version[1] >= least[1])
const ownNode = process.versions.node.split(".").map(Number)
const toolsNode = join(tools, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node")
// The Node.js prepared here does not count as the system's: taken for it, it would be thought unneeded and removed.
const isOwnNodeNew = atLeast(ownNode, leastNode) && process.execPath !== toolsNode

export const nodePath = isOwnNodeNew ? process.execPath : toolsNode
export const venvPython = join(root, ".venv/bin/python")
const trainerLock = "agents/trainer/requirements.lock"
const testLock = "agents/trainer/requirements-dev.lock"

/** The environment in which the prepared tools are found first. */
export const preparedEnvironment = () => ({
  ...process.env,
  PATH: [dirname(nodePath), join(tools, "node_modules", ".bin"), process.env.PATH].join(":"),
})

const isTerminal = process.stderr.isTTY === true
const say = (text) => process.stderr.write(`${text}\n`)
const progress = (text) => {
  if (isTerminal) process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
}

/** What went wrong, judged by what the tool printed. */
const explain = (what, output, code) => {
  if (/ENOSPC|No space left/i.test(output)) {
    return new CannotPrepare(
      `The disk is full: ${what} could not be written. Free some space (about 3 GB in all), then run this again.`,
    )
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|Temporary failure in name resolution|NewConnectionError|Name or service not known|Network is unreachable|No matching distribution found for pip|Max retries exceeded/i.test(
      output,
    )
  ) {
    return new CannotPrepare(
      `No network: ${what} could not be downloaded. Connect to the internet (or set your proxy or mirror), then run this again; what is already here is kept.`,
    )
  }
  // Frames of a stack would push the cause out of the last lines.
  const lines = output.trim().split("\n")
  const tail = lines
    .filter((line) => !/^\s+at /.test(line))
    .slice(-15)
    .join("\n")
  return new CannotPrepare(`${what} failed (exit ${code}). The last lines were:\n${tail}`)
}

/** Runs a tool, showing its newest line; its whole output is kept for the explanation of a failure. */
const run = (what, command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: preparedEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    })
    let output = ""
    const started = Date.now()
    const take = (chunk) => {
      output = (output + chunk).slice(-200_000)
      const line = output.trimEnd().split("\n").at(-1).trim()
      progress(`  ${Math.round((Date.now() - started) / 1000)} s  ${line}`)
    }
    child.stdout.on("data", take)
    child.stderr.on("data", take)
    child.on("error", (error) => reject(explain(what, String(error.code ?? error.message), 1)))
    child.on("close", (code, signal) => {
      progress("")
      if (code === 0) resolve(output)
      else reject(explain(what, output, code ?? signal))
    })
  })

const npm = (what, ...packages) =>
  run(
    what,
    "npm",
    ["install", "--prefix", tools, "--no-save", "--no-audit", "--no-fund", "--loglevel=error", ...packages],
    { env: process.env },
  )

const pythonVersion = (command) => {
  const result = spawnSync(command, ["-c", "import sys; print(*sys.version_info[:2])"], { encoding: "utf8" })
  return result.status === 0 ? result.stdout.trim().split(" ").map(Number) : undefined
}

const findPython = () => {
  const named = process.env.SWEEP_PYTHON
  const candidates = named ? [named] : ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"]
  const found = []
  for (const command of candidates) {
    const version = pythonVersion(command)
    if (version === undefined) continue
    if (atLeast(version, leastPython)) return command
    found.push(`${command} is ${version.join(".")}`)
  }
  const met = found.length > 0 ? found.join(", ") : named ? `SWEEP_PYTHON=${named} cannot be run` : "none was found"
  throw new CannotPrepare(
    `Training needs Python 3.10 or newer; ${met}. ` +
      "Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.12), or name one: SWEEP_PYTHON=/path/to/python3.",
  )
}

const sourcesHash = () => {
  const files = []
  const walk = (directory) => {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = `${directory}/${entry.name}`
      if (entry.isDirectory()) {
        if (!["node_modules", "test", "dist", "golden"].includes(entry.name)) walk(path)
      } else if (/\.(ts|json)$/.test(entry.name)) files.push(path)
    }
  }
  for (const directory of ["packages", "proto/gen", "reports", "agents/daemon"]) walk(directory)
  return hashOf(...files.sort().map((path) => `${path}\n${read(path)}`), read("scripts/bundle.mjs"))
}

/**
 * Installs into the trainer's environment what lock files name, each file checked against its hash. torch comes after
 * them, without a hash: which file is right depends on the machine (CPU, CUDA, ROCm). All that it needs beyond its own
 * CUDA packages is there by then.
 */
const python = async (label, ...locks) => {
  if (!existsSync(venvPython)) {
    const base = findPython()
    rmSync(join(root, ".venv"), { recursive: true, force: true })
    const made = spawnSync(base, ["-m", "venv", join(root, ".venv")], { encoding: "utf8" })
    if (made.status !== 0) {
      rmSync(join(root, ".venv"), { recursive: true, force: true })
      const output = `${made.stdout}${made.stderr}`
      if (/ensurepip|python3-venv/.test(output)) {
        throw new CannotPrepare(
          `${base} has no 'venv' module. Install it (Debian, Ubuntu: apt install python3-venv), then run this again.`,
        )
      }
      throw explain("The Python environment", output, made.status)
    }
  }
  const install = ["-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
  const files = locks.flatMap((lock) => ["-r", lock])
  await run(label, venvPython, [...install, "--require-hashes", "--no-deps", ...files])
  const torch = read("agents/trainer/requirements.txt").match(/^torch==\S+/m)[0]
  await run(label, venvPython, [...install, torch])
}

const steps = [
  {
    name: "tools",
    label: isOwnNodeNew ? `pnpm ${pnpmVersion}` : `Node.js ${nodeVersion} and pnpm ${pnpmVersion}`,
    hash: () => hashOf(pnpmVersion, nodeVersion, process.platform, process.arch, String(isOwnNodeNew)),
    isIntact: () => existsSync(nodePath) && existsSync(join(tools, "node_modules", ".bin", "pnpm")),
    run: () =>
      npm(
        "Node.js or pnpm",
        `pnpm@${pnpmVersion}`,
        ...(isOwnNodeNew ? [] : [`node-${process.platform}-${process.arch}@${nodeVersion}`]),
      ),
  },
  {
    name: "workspace",
    label: "the workspace's packages",
    hash: () => hashOf(read("pnpm-lock.yaml"), read("pnpm-workspace.yaml"), read("package.json")),
    isIntact: () => existsSync(join(root, "node_modules", ".modules.yaml")),
    run: () =>
      run("The workspace's packages", "pnpm", [
        "install",
        "--frozen-lockfile",
        "--prefer-offline",
        "--reporter=append-only",
      ]),
  },
  {
    name: "bundle",
    label: "the program",
    hash: sourcesHash,
    isIntact: () => existsSync(join(root, "packages/cli/dist/sweep.mjs")),
    run: () => run("Bundling the program", nodePath, [join(root, "scripts/bundle.mjs")]),
  },
  {
    name: "python",
    label: "the trainer's Python environment (torch, transformers, peft: this takes a few minutes)",
    hash: () => hashOf(read(trainerLock), read("agents/trainer/requirements.txt")),
    isIntact: () => existsSync(venvPython),
    run: () => python("The trainer's Python environment", trainerLock),
  },
]

/** LLaMA-Factory's own environment, made when a sweep first needs it. It shares torch with the trainer's. */
export const llamaFactoryVenv = join(root, ".venv-llamafactory")
const llamaFactoryLock = "agents/llamafactory/requirements.lock"
const llamaFactoryMark = join(llamaFactoryVenv, "ready")
const leastLlamaFactoryPython = [3, 11]

const llamaFactory = async () => {
  const version = pythonVersion(venvPython)
  if (version === undefined || !atLeast(version, leastLlamaFactoryPython)) {
    throw new CannotPrepare(
      `LLaMA-Factory needs Python 3.11 or newer; the environment of sweep has ${version?.join(".") ?? "none"}. ` +
        "Remove .venv, name a newer one (SWEEP_PYTHON=/path/to/python3.12), then run this again.",
    )
  }
  rmSync(llamaFactoryMark, { force: true })
  const python = join(llamaFactoryVenv, "bin/python")
  if (!existsSync(python)) {
    rmSync(llamaFactoryVenv, { recursive: true, force: true })
    await run("LLaMA-Factory's environment", venvPython, ["-m", "venv", "--without-pip", llamaFactoryVenv])
  }
  const folderOf = (interpreter) =>
    spawnSync(interpreter, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], {
      encoding: "utf8",
    }).stdout.trim()
  // What this environment lacks, torch above all, is found in the trainer's: its own packages come first on the path.
  writeFileSync(join(folderOf(python), "sweep-trainer.pth"), `${folderOf(venvPython)}\n`)
  await run("LLaMA-Factory", venvPython, [
    "-m",
    "pip",
    "--python",
    python,
    "install",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--no-deps",
    "--ignore-installed",
    "--require-hashes",
    "-r",
    llamaFactoryLock,
  ])
  writeFileSync(llamaFactoryMark, "")
}

const llamaFactoryStep = {
  name: "llamafactory",
  label: "LLaMA-Factory's Python environment (0.5 GB, about half a minute)",
  hash: () => hashOf(read(llamaFactoryLock), read(trainerLock)),
  isIntact: () => existsSync(llamaFactoryMark),
  run: llamaFactory,
}

const testSteps = [
  {
    name: "python-tests",
    label: "the Python test tools",
    hash: () => hashOf(read(trainerLock), read(testLock)),
    isIntact: () => existsSync(venvPython),
    run: () => python("The Python test tools", trainerLock, testLock),
  },
  {
    name: "browser",
    label: "Chromium, for the report's tests",
    skip: () => findBrowser() !== undefined,
    hash: () => "",
    isIntact: () => findBrowser() !== undefined,
    run: async () => {
      const remedy =
        "Install Chromium or Chrome (Debian, Ubuntu: apt install chromium), or name one: CHROMIUM_PATH=/path/to/chrome, then run this again."
      if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) {
        throw new CannotPrepare(`The report is tested in a real browser, and none was found. ${remedy}`)
      }
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
      await run("The package list", "apt-get", ["update"], { env })
      await run("Chromium", "apt-get", ["install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"], {
        env,
      })
      if (findBrowser() === undefined) throw new CannotPrepare(`Chromium was installed but is not found. ${remedy}`)
    },
  },
]

/** The browser the report's tests open; the same places as the tests look at. */
const findBrowser = () =>
  [
    process.env.CHROMIUM_PATH,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ].find((path) => path !== undefined && path !== "" && existsSync(path))

/** Waits while another preparation of this clone runs: two at once would write the same files. */
const lock = async () => {
  const path = join(tools, "lock")
  mkdirSync(tools, { recursive: true })
  for (let told = false; ;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" })
      return () => rmSync(path, { force: true })
    } catch (error) {
      if (error.code !== "EEXIST") throw error
      const owner = Number(readFileSync(path, "utf8"))
      let alive = owner > 0
      try {
        process.kill(owner, 0)
      } catch (dead) {
        alive = alive && dead.code === "EPERM"
      }
      if (!alive) rmSync(path, { force: true })
      else {
        if (!told) say(`Another preparation (process ${owner}) is running; waiting for it.`)
        told = true
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }
  }
}

/** Makes everything ready, and for the tests their tools too. Throws `CannotPrepare`. */
export const prepare = async ({ forTests = false, withLlamaFactory = forTests } = {}) => {
  if (ownNode[0] < 20)
    throw new CannotPrepare(
      `sweep needs Node.js 20 or newer to start, and this is ${process.versions.node}. Install a newer one, then run this again.`,
    )
  const unlock = await lock()
  const leave = () => {
    unlock()
    process.exit(130)
  }
  process.once("SIGINT", leave)
  process.once("SIGTERM", leave)
  try {
    const todo = []
    for (const step of [...steps, ...(withLlamaFactory ? [llamaFactoryStep] : []), ...(forTests ? testSteps : [])]) {
      if (step.skip?.() === true) continue
      if (!(step.isIntact() && isStamped(step.name, step.hash()))) todo.push(step)
    }
    if (todo.some((step) => step.name === "python") && !existsSync(venvPython)) {
      // Found out before the downloads, not after them.
      findPython()
      const { bavail, bsize } = statfsSync(root)
      if (bavail * bsize < leastFreeBytes) {
        throw new CannotPrepare(
          `The disk is almost full: ${((bavail * bsize) / 1e9).toFixed(1)} GB are free where sweep is, and its tools need about 3 GB. Free some space, then run this again.`,
        )
      }
    }
    for (const [index, step] of todo.entries()) {
      say(`[${index + 1}/${todo.length}] Preparing ${step.label} …`)
      const started = Date.now()
      await step.run()
      stamp(step.name, step.hash())
      say(`[${index + 1}/${todo.length}] done in ${Math.round((Date.now() - started) / 1000)} s`)
    }
    writeFileSync(join(tools, "ready"), `${nodePath}\n`)
  } finally {
    process.off("SIGINT", leave)
    process.off("SIGTERM", leave)
    unlock()
  }
}

/** Runs `main`, printing a `CannotPrepare` as the one sentence it is. */
export const orExplain = async (main) => {
  try {
    await main()
  } catch (error) {
    if (error instanceof CannotPrepare) {
      say(`sweep: ${error.message}`)
      process.exit(69)
    }
    if (error?.code === "ENOSPC") {
      say("sweep: The disk is full. Free some space (about 3 GB in all), then run this again.")
      process.exit(69)
    }
    throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await orExplain(() => prepare({ withLlamaFactory: process.argv.includes("--llamafactory") }))
}
