// `node scripts/release.mjs DIRECTORY`: the files of a release of what is committed: the sources, from which `./sweep`
// prepares itself; the wheels and the npm package; the bill of materials and the notices of the program built from them;
// and their checksums. The same commit gives the same bytes.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import process from "node:process"
import { gzipSync } from "node:zlib"
import { nodePath, orExplain, prepare, root } from "./prepare.mjs"

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const out = resolve(process.argv[2] ?? "out")

await orExplain(async () => {
  await prepare({ forTests: true })
  const built = spawnSync(nodePath, [join(root, "scripts/bundle.mjs")], { stdio: "inherit" })
  if (built.status !== 0) process.exit(1)
  mkdirSync(out, { recursive: true })
  const name = `sweep-${version}`
  const tar = spawnSync("git", ["archive", "--format=tar", `--prefix=${name}/`, "HEAD"], {
    cwd: root,
    maxBuffer: 1 << 30,
  })
  if (tar.status !== 0) throw new Error(String(tar.stderr))
  writeFileSync(join(out, `${name}.tar.gz`), gzipSync(tar.stdout, { level: 9 }))
  const dist = join(root, "packages/cli/dist")
  copyFileSync(join(dist, "sbom.cdx.json"), join(out, `${name}.cdx.json`))
  copyFileSync(join(dist, "THIRD_PARTY_NOTICES.txt"), join(out, "THIRD_PARTY_NOTICES.txt"))
  for (const args of [
    ...["linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"].map((platform) => ["wheel", "--platform", platform]),
    ["wheel", "--agent"],
    ["npm"],
  ]) {
    const packed = spawnSync(nodePath, [join(root, "scripts/package.mjs"), ...args, "--out", out], { stdio: "inherit" })
    if (packed.status !== 0) process.exit(1)
  }
  const files = readdirSync(out).filter((file) => file !== "SHA256SUMS")
  const sums = files.toSorted().map((file) => {
    const hash = createHash("sha256")
      .update(readFileSync(join(out, file)))
      .digest("hex")
    return `${hash}  ${file}\n`
  })
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""))
  console.log(sums.join("").trimEnd())
})
