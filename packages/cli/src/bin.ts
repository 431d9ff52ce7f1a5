// The program's entry: compiled code is cached between starts, which has to be asked for before anything else is loaded.
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { version } from "./version.ts"

// Threads of Node's pool: each query and each access to a file holds one while it runs, and a commit must not wait for one.
process.env["UV_THREADPOOL_SIZE"] ??= "16"
enableCompileCache(process.env["SWEEP_COMPILE_CACHE"] ?? join(import.meta.dirname, ".cache"))
// A script that only asks which version this is does not wait for the command tree.
if (process.argv.length === 3 && process.argv[2] === "--version") console.log(`sweep v${version}`)
else await import("./main.ts")
