#!/usr/bin/env node
// The command of the npm package: says which Python trains, then is the program.
import { homedir } from "node:os"
import { join } from "node:path"
import process from "node:process"

const { env } = process
env.SWEEP_INSTALLED ??= "npm"
env.SWEEP_COMPILE_CACHE ??= join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sweep")
if (!env.SWEEP_PYTHON) {
  env.SWEEP_PYTHON = join(import.meta.dirname, "sweep-trainer-python")
  env.SWEEP_PREPARES_PYTHON = "1"
}
await import("../packages/cli/dist/sweep.mjs")
