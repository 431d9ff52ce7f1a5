// The program's entry: compiled code is cached between starts, which has to be asked for before anything else is loaded.
import { enableCompileCache } from "node:module"
import { join } from "node:path"

enableCompileCache(join(import.meta.dirname, ".cache"))
await import("./main.ts")
