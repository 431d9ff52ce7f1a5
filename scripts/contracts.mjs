// What programs of different versions have in common: the wire (proto/) and what is stored and sent as JSON (facts, the
// events of a trainer, slots). Owns the comparison with the last release, whose contracts lie in releases/VERSION: what
// it understood has to be understood still, and a change has to raise the version that guards it.
// `node scripts/contracts.mjs --snapshot` writes those of this program, at a release.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { preparedEnvironment, root } from "./prepare.mjs"
import { readProblems } from "./schemaProblems.mjs"

const releases = join(root, "releases")

/** The version, as three numbers, for sorting. */
const numbers = (version) => version.split(".").map(Number)
const byVersion = (a, b) => {
  const [left, right] = [numbers(a), numbers(b)]
  const at = left.findIndex((number, i) => number !== right[i])
  return at === -1 ? 0 : left[at] - right[at]
}

const lastRelease = () =>
  readdirSync(releases)
    .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
    .sort(byVersion)
    .at(-1)

const buf = (...args) => {
  const options = { cwd: join(root, "proto"), env: preparedEnvironment(), encoding: "utf8" }
  const done = spawnSync(join(root, "proto/node_modules/.bin/buf"), args, options)
  return { ok: done.status === 0, output: `${done.stdout ?? ""}${done.stderr ?? ""}${done.error ?? ""}` }
}

const wireImage = (into) => buf("build", "--exclude-source-info", "-o", into)

/** What this program speaks and stores. */
const contracts = async () => {
  const schema = await import(join(root, "packages/domain/node_modules/effect/dist/Schema.js"))
  const { Fact, factVersion } = await import(join(root, "packages/domain/src/sweep/Fact.ts"))
  const { TrialEvent } = await import(join(root, "packages/domain/src/trial/TrialEvent.ts"))
  const { Slot } = await import(join(root, "packages/domain/src/Device.ts"))
  const { protocolVersion, oldestProtocol, factSince } = await import(join(root, "packages/protocol/src/versions.ts"))
  const of = (type) => {
    const { schema: own, definitions } = schema.toJsonSchemaDocument(type)
    return { ...own, $defs: definitions }
  }
  return {
    protocol: protocolVersion,
    oldestProtocol,
    facts: factVersion,
    factSince,
    schemas: { Fact: of(Fact), TrialEvent: of(TrialEvent), Slot: of(Slot) },
  }
}

const text = (value) => `${JSON.stringify(value, null, 1)}\n`

const kinds = (schema) => schema.anyOf.map((one) => one.properties._tag.enum[0])

/** A watcher of the release would break on a fact that it does not know: the coordinator has to know since when it is one. */
const unannounced = (released, schema, protocol, version, since) =>
  kinds(schema)
    .filter((kind) => !kinds(released).includes(kind) && !(since[kind] > protocol))
    .map(
      (kind) =>
        `${kind} is a fact that release ${version} does not know; name it in 'factSince' of packages/protocol/src/versions.ts, with the version of this wire.`,
    )

const checkContracts = async () => {
  const version = lastRelease()
  const folder = join(releases, version)
  const before = JSON.parse(readFileSync(join(folder, "contracts.json"), "utf8"))
  const now = await contracts()
  const problems = []

  const breaking = buf("breaking", "--against", join(folder, "wire.binpb"))
  if (!breaking.ok) {
    problems.push(`The wire breaks peers of release ${version}; add fields and messages instead:\n${breaking.output}`)
  }
  const stage = mkdtempSync(join(tmpdir(), "sweep-contracts-"))
  try {
    const image = join(stage, "wire.binpb")
    const built = wireImage(image)
    if (!built.ok) problems.push(built.output)
    else if (now.protocol <= before.protocol && !readFileSync(image).equals(readFileSync(join(folder, "wire.binpb")))) {
      problems.push(
        `The wire differs from that of release ${version}, and 'protocolVersion' is ${now.protocol} in both; raise it in packages/protocol/src/versions.ts.`,
      )
    }
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }

  // Each is guarded by a version of its own: facts are stored, the others travel.
  const guards = {
    Fact: ["facts", "'factVersion' in packages/domain/src/sweep/Fact.ts"],
    TrialEvent: ["protocol", "'protocolVersion' in packages/protocol/src/versions.ts"],
    Slot: ["protocol", "'protocolVersion' in packages/protocol/src/versions.ts"],
  }
  for (const [name, schema] of Object.entries(now.schemas)) {
    const released = before.schemas[name]
    for (const problem of readProblems(released, schema)) {
      problems.push(`${name}: this program cannot read what release ${version} wrote: ${problem}`)
    }
    if (name === "Fact") problems.push(...unannounced(released, schema, before.protocol, version, now.factSince))
    const [guard, where] = guards[name]
    if (now[guard] <= before[guard] && text(schema) !== text(released)) {
      problems.push(`${name} differs from that of release ${version}; raise ${where} beyond ${before[guard]}.`)
    }
  }
  return { ok: problems.length === 0, output: problems.join("\n") }
}

const isMain = process.argv[1] === fileURLToPath(import.meta.url)

// The checks run this as a process of its own: it imports TypeScript, which the system's Node.js may not.
if (isMain && process.argv.includes("--check")) {
  const { ok, output } = await checkContracts()
  if (!ok) console.log(output)
  process.exit(ok ? 0 : 1)
}

if (isMain && process.argv.includes("--snapshot")) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const folder = join(releases, version)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "contracts.json"), text(await contracts()))
  const built = wireImage(join(folder, "wire.binpb"))
  if (!built.ok) throw new Error(built.output)
  console.log(folder)
}
