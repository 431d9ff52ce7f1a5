// Bundles the command into packages/cli/dist. DuckDB stays outside (it is a native module); what is imported lazily
// (the coordinator, Vega) becomes chunks of its own, so that a short command loads little.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { buildLive } from "../reports/build/live.ts"
import { buildRuntime } from "../reports/build/runtime.ts"
import { billOfMaterials, notices, npmMaterials } from "./materials.mjs"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, "packages/cli/dist")
// Built beside it and put in its place at the end: a failed build leaves the program that was there.
const out = `${dist}.next`
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

rmSync(out, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  metafile: true,
  entryPoints: {
    sweep: join(root, "packages/cli/src/bin.ts"),
    queryWorker: join(root, "packages/store/src/duckdb/queryWorker.ts"),
  },
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  minifyWhitespace: true,
  minifySyntax: true,
  target: "node22",
  external: ["@duckdb/node-api"],
  define: { "process.env.SWEEP_VERSION": JSON.stringify(manifest.version) },
  // CommonJS dependencies call `require`, which an ES module does not have.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
})

// What a report's page runs is read at run time and inlined into the file.
const runtimeInputs = []
writeFileSync(join(out, "report-runtime.js"), await buildRuntime((inputs) => runtimeInputs.push(...inputs)))
writeFileSync(join(out, "live.json"), JSON.stringify(await buildLive((inputs) => runtimeInputs.push(...inputs))))
const npm = npmMaterials(root, [...Object.keys(metafile.inputs), ...runtimeInputs])
writeFileSync(join(out, "sbom.cdx.json"), billOfMaterials(root, manifest, npm))
writeFileSync(join(out, "THIRD_PARTY_NOTICES.txt"), notices(npm))
rmSync(dist, { recursive: true, force: true })
renameSync(out, dist)
