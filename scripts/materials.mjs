// What a build is made of: a software bill of materials (CycloneDX 1.6) and the notices of third parties, from the files
// that were bundled, the native modules beside the bundle, and the locked Python packages. No time stamps: the same
// sources give the same files.
import { createHash } from "node:crypto"
import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { lockedPackages } from "./pythonLock.mjs"

/** The folders of the packages that `inputs` (files) belong to, each once. */
const packageFolders = (root, inputs) => {
  const folders = inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.slice(1, 2) ?? [])
  return new Set(folders.map((folder) => realpathSync(join(root, folder))))
}

/** Not bundled: native modules, which lie beside it as they were installed. */
const nativeFolders = (root) => {
  const api = realpathSync(join(root, "packages/store/node_modules/@duckdb/node-api"))
  const beside = dirname(api)
  const found = readdirSync(beside).map((name) => realpathSync(join(beside, name)))
  const bindings = found.find((folder) => folder.endsWith("node-bindings"))
  const platform =
    bindings === undefined ? [] : readdirSync(dirname(bindings)).map((name) => join(dirname(bindings), name))
  return new Set([...found, ...platform.map((folder) => realpathSync(folder))])
}

const licenceOf = ({ license, licenses }) =>
  typeof license === "string" ? license : (license?.type ?? licenses?.map(({ type }) => type).join(" OR ") ?? null)

const noticeFiles = /^(licen[cs]e|notice|copying|copyright)/i

const described = (folder) => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const texts = readdirSync(folder)
    .filter((name) => noticeFiles.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8").trim())
  return { name: manifest.name, version: manifest.version, licence: licenceOf(manifest), texts }
}

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1)

/** npm packages in the build, each once, by name. */
export const npmMaterials = (root, inputs) => {
  const folders = [...packageFolders(root, inputs), ...nativeFolders(root)]
  const found = new Map()
  for (const folder of folders) {
    if (!existsSync(join(folder, "package.json"))) continue
    const one = described(folder)
    if (one.name !== undefined && one.version !== undefined) found.set(`${one.name}@${one.version}`, one)
  }
  return [...found.values()].sort(byName)
}

const purlName = (name) => (name.startsWith("@") ? `%40${name.slice(1)}` : name)

const npmComponent = ({ name, version, licence }) => ({
  type: "library",
  "bom-ref": `pkg:npm/${purlName(name)}@${version}`,
  name,
  version,
  ...(licence === null
    ? {}
    : { licenses: [/ (OR|AND) |^\(/.test(licence) ? { expression: licence } : { license: { id: licence } }] }),
  purl: `pkg:npm/${purlName(name)}@${version}`,
})

const pythonComponent = ({ name, version, marker, hashes }) => ({
  type: "library",
  "bom-ref": `pkg:pypi/${name}@${version}`,
  name,
  version,
  scope: marker === null ? "required" : "optional",
  ...(hashes.length === 1 ? { hashes: [{ alg: "SHA-256", content: hashes[0] }] } : {}),
  purl: `pkg:pypi/${name}@${version}`,
  ...(marker === null ? {} : { properties: [{ name: "python:marker", value: marker }] }),
})

export const billOfMaterials = (root, { version, license }, npm) => {
  const python = new Map(lockedPackages(root).map((one) => [`${one.name}@${one.version}`, one]))
  const components = [...npm.map(npmComponent), ...[...python.values()].sort(byName).map(pythonComponent)]
  return `${JSON.stringify(
    {
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: {
        component: {
          type: "application",
          "bom-ref": "sweep",
          name: "sweep",
          version,
          licenses: [{ license: { id: license } }],
        },
      },
      components,
    },
    null,
    2,
  )}\n`
}

/** One text for each licence text, with the packages that it is of. */
export const notices = (npm) => {
  const texts = new Map()
  for (const { name, version, licence, texts: own } of npm) {
    const text =
      own.length === 0 ? `(${licence ?? "no licence stated"}; the package has no licence file)` : own.join("\n\n")
    const key = createHash("sha256").update(text).digest("hex")
    const entry = texts.get(key) ?? { packages: [], text }
    entry.packages.push(`${name} ${version}${licence === null ? "" : ` (${licence})`}`)
    texts.set(key, entry)
  }
  const parts = [...texts.values()].map(({ packages, text }) => `${packages.join("\n")}\n\n${text}`)
  return `This build of sweep contains the packages below, under these licences. The Python packages of the trainer are not part\nof it: they are installed from their own sources, with their licences.\n\n${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`
}
