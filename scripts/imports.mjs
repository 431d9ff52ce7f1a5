// The import graph: which room may import which. Owns the table of ARCHITECTURE.md in a form that fails; that
// nothing undeclared resolves is pnpm's part, that every declaration is allowed and used is checked here and by knip.
import { readFileSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { root } from "./prepare.mjs"

/** Room → the rooms it may import (development-only ones in the second list). */
const allowed = {
  "packages/domain": [[], []],
  "packages/sweepfile": [["domain"], []],
  "packages/search": [["domain"], []],
  "packages/diagnosis": [["domain"], ["search"]],
  proto: [[], []],
  "packages/protocol": [["domain"], []],
  "packages/grpc": [["domain", "protocol", "proto"], []],
  "packages/access": [["domain"], []],
  "packages/store": [["domain"], ["search"]],
  "packages/coordinator": [
    ["domain", "search", "diagnosis", "store", "protocol"],
    ["grpc", "daemon"],
  ],
  "agents/daemon": [
    ["domain", "protocol"],
    ["grpc", "search"],
  ],
  reports: [["domain", "diagnosis"], ["search"]],
  "packages/cli": [
    [
      "domain",
      "sweepfile",
      "search",
      "diagnosis",
      "access",
      "protocol",
      "grpc",
      "store",
      "coordinator",
      "daemon",
      "reports",
    ],
    [],
  ],
  "packages/simulator": [["domain", "search", "store", "protocol", "grpc", "coordinator", "daemon"], []],
  bench: [
    [
      "domain",
      "sweepfile",
      "search",
      "diagnosis",
      "protocol",
      "grpc",
      "store",
      "coordinator",
      "daemon",
      "reports",
      "proto",
    ],
    [],
  ],
}

const sourcesOf = (directory) => {
  const found = []
  for (const name of readdirSync(directory)) {
    if (name === "node_modules" || name === "dist") continue
    const path = join(directory, name)
    if (statSync(path).isDirectory()) found.push(...sourcesOf(path))
    else if (name.endsWith(".ts")) found.push(path)
  }
  return found
}

export const checkImports = () => {
  const problems = []
  for (const [room, [run, dev]] of Object.entries(allowed)) {
    const manifest = JSON.parse(readFileSync(join(root, room, "package.json"), "utf8"))
    const rooms = (dependencies) =>
      Object.keys(dependencies ?? {})
        .filter((name) => name.startsWith("@sweep/"))
        .map((name) => name.slice("@sweep/".length))
    for (const name of rooms(manifest.dependencies)) {
      if (!run.includes(name)) problems.push(`${room}/package.json: may not depend on @sweep/${name}`)
    }
    for (const name of rooms(manifest.devDependencies)) {
      if (!run.includes(name) && !dev.includes(name))
        problems.push(`${room}/package.json: may not depend on @sweep/${name}, not even in development`)
    }
    for (const path of sourcesOf(join(root, room, room === "proto" ? "gen" : "src"))) {
      const text = readFileSync(path, "utf8")
      for (const [, name] of text.matchAll(/(?:from|import\()\s*"@sweep\/([a-z]+)\//g)) {
        if (!run.includes(name))
          problems.push(
            `${path.slice(root.length + 1)}: may not import @sweep/${name} (allowed: ${run.join(", ") || "none"})`,
          )
      }
      for (const [, target] of text.matchAll(/(?:from|import\()\s*"(\.\.?\/[^"]+)"/g)) {
        const escaped = join(path, "..", target)
        if (!escaped.startsWith(join(root, room)))
          problems.push(`${path.slice(root.length + 1)}: leaves its room by "${target}"`)
      }
    }
  }
  return { ok: problems.length === 0, output: problems.join("\n") }
}
