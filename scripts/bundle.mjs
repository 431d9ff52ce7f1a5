// Bundles the command into packages/cli/dist. DuckDB stays outside (it is a native module); what is imported lazily
// (the coordinator, Vega) becomes chunks of its own, so that a short command loads little.
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const out = join(root, "packages/cli/dist")
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

rmSync(out, { recursive: true, force: true })
await build({
  entryPoints: { sweep: join(root, "packages/cli/src/main.ts") },
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  external: ["@duckdb/node-api"],
  define: { "process.env.SWEEP_VERSION": JSON.stringify(version) },
  // CommonJS dependencies call `require`, which an ES module does not have.
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
  logLevel: "warning",
})
