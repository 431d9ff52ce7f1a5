// The locked Python packages of the trainer: every package, transitive ones included, for Python 3.10 to 3.14 on every
// platform, with the SHA-256 of each of its files. torch and what comes with it stand in a file of their own: builds for
// the CPU or another CUDA come from other indexes and have other files, so that no list of hashes can name them all.
// `node scripts/pythonLock.mjs` writes the files with uv, from requirements.txt; reading them is for the checks, the
// preparation and the bill of materials.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const trainer = "agents/trainer"
const locks = ["requirements.lock", "requirements-torch.lock", "requirements-dev.lock"].map(
  (name) => `${trainer}/${name}`,
)
const llamaFactory = "agents/llamafactory/requirements.lock"

/** torch, and what only its CUDA builds need. */
const ofTorch = /^(torch|triton|pytorch-triton\S*|nvidia-\S+|cuda-\S+)$/

/** Entries of a file as pip reads it: `name==version ; marker \` and its hashes. */
const entriesOf = (text) =>
  text
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.trimStart().startsWith("#"))
    .map((line) => {
      const [, name, version, , marker] = /^([A-Za-z0-9._-]+)==([^\s;]+)\s*(;\s*(.*?))?\s*(?:--hash|$)/.exec(line) ?? []
      const hashes = Array.from(line.matchAll(/--hash=sha256:([0-9a-f]{64})/g), (match) => match[1])
      return { line, name: name?.toLowerCase(), version, marker: marker?.trim() || null, hashes }
    })

const read = (root, name) => readFileSync(join(root, name), "utf8")

/** Of the trainer, torch's included. */
export const lockedPackages = (root) => locks.slice(0, 2).flatMap((name) => entriesOf(read(root, name)))

/** What is wrong with the lock files; empty when nothing is. */
export const lockProblems = (root) => {
  const problems = []
  for (const name of [...locks, llamaFactory]) {
    for (const { line, name: of, hashes } of entriesOf(read(root, name))) {
      if (of === undefined) problems.push(`${name}: not an exact version: ${line.trim().slice(0, 80)}`)
      else if (hashes.length === 0) problems.push(`${name}: ${of} has no hash`)
    }
  }
  const lockedIn = (files) =>
    new Set(files.flatMap((name) => entriesOf(read(root, name)).map((one) => `${one.name}==${one.version}`)))
  const demand = (name, locked) => {
    for (const line of read(root, name).split("\n")) {
      const wanted = /^([A-Za-z0-9._-]+)==([^\s;]+)/.exec(line)
      if (wanted === null) continue
      const key = `${wanted[1].toLowerCase().replaceAll("_", "-")}==${wanted[2]}`
      if (!locked.has(key)) problems.push(`${name}: ${key} is not in the lock files; run: node scripts/pythonLock.mjs`)
    }
  }
  demand(`${trainer}/requirements.txt`, lockedIn(locks))
  demand(`${trainer}/requirements-dev.txt`, lockedIn(locks))
  demand("agents/llamafactory/requirements.txt", lockedIn([llamaFactory]))
  return problems
}

const head = (what) => `# ${what}\n# Written by 'node scripts/pythonLock.mjs' from requirements.txt; do not edit.\n`
const leastPython = "3.10"
const leastLlamaFactoryPython = "3.11"

const writeLocks = (root, pipVersion) => {
  const stage = mkdtempSync(join(tmpdir(), "sweep-lock-"))
  const compile = (input, ...more) => {
    const source = join(stage, "in.txt")
    writeFileSync(source, input)
    const args = ["pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    const done = spawnSync("uv", [...args, ...more, source], { encoding: "utf8" })
    if (done.status !== 0) throw new Error(`uv: ${done.stderr ?? done.error}`)
    return done.stdout
  }
  /** Lines of one entry stay together: a requirement, then its indented hashes. */
  const blocks = (text) => text.trimEnd().split(/\n(?=\S)/)
  const nameOf = (block) => /^[A-Za-z0-9._-]+/.exec(block)?.[0].toLowerCase() ?? ""
  try {
    const all = compile(
      `pip==${pipVersion}\n${read(root, `${trainer}/requirements.txt`)}`,
      "--python-version",
      leastPython,
    )
    const own = blocks(all).filter((block) => !ofTorch.test(nameOf(block)))
    const torch = blocks(all).filter((block) => ofTorch.test(nameOf(block)))
    const constraint = join(stage, "all.txt")
    writeFileSync(constraint, all)
    const dev = read(root, `${trainer}/requirements-dev.txt`).replace(/^-r .*\n/m, "")
    const known = new Set(own.map(nameOf))
    const extra = blocks(compile(dev, "-c", constraint, "--python-version", leastPython)).filter(
      (block) => !known.has(nameOf(block)),
    )
    const write = (name, what, parts) => writeFileSync(join(root, name), `${head(what)}${parts.join("\n")}\n`)
    write(locks[0], "The trainer's packages but torch, with the hashes of their files on PyPI.", own)
    write(locks[1], "torch as PyPI has it, with what its CUDA build needs.", torch)
    write(locks[2], "What the tests need beyond requirements.lock.", extra)
    const factory = compile(
      read(root, "agents/llamafactory/requirements.txt"),
      "--no-deps",
      "--python-version",
      leastLlamaFactoryPython,
    )
    write(llamaFactory, "LLaMA-Factory's own packages, with the hashes of their files on PyPI.", blocks(factory))
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { pipVersion, root } = await import("./prepare.mjs")
  writeLocks(root, pipVersion)
  for (const problem of lockProblems(root)) console.error(problem)
}
