// The import graph as rules that fail: which package may import which, which folder of a package may import which, and
// no circle anywhere, type-only imports included. ARCHITECTURE.md draws the same table for people.
const anything = "^(packages|agents|reports|proto|bench)/"

/** Package → the packages its sources may import. */
const packages = {
  "packages/domain": [],
  "packages/sweepfile": ["packages/domain"],
  "packages/search": ["packages/domain"],
  "packages/memory": ["packages/domain"],
  "packages/diagnosis": ["packages/domain", "packages/search"],
  "packages/access": ["packages/domain"],
  "packages/protocol": ["packages/domain"],
  "packages/store": ["packages/domain"],
  "packages/engines": [],
  "packages/grpc": ["packages/domain", "packages/protocol", "proto"],
  "packages/coordinator": [
    "packages/domain",
    "packages/search",
    "packages/diagnosis",
    "packages/store",
    "packages/protocol",
  ],
  "agents/daemon": ["packages/domain", "packages/protocol"],
  reports: ["packages/domain", "packages/diagnosis"],
  "packages/cli": ["packages/(?!simulator)", "agents/daemon", "reports"],
  "packages/simulator": ["packages/(domain|search|store|protocol|grpc|coordinator)", "agents/daemon"],
}

/** Within a package: folder → the folders above it, which it may not import. */
const above = {
  "packages/domain": {
    space: ["training", "trial", "sweep"],
    training: ["trial", "sweep"],
    trial: ["sweep"],
    reason: ["sweep"],
  },
  "packages/search": {
    numerics: ["space", "stopping", "samplers"],
    space: ["stopping", "samplers"],
    stopping: ["samplers"],
  },
  "packages/coordinator": {
    state: ["attempts", "stopping", "scheduling", "api"],
    attempts: ["stopping", "scheduling", "api"],
    scheduling: ["stopping", "api"],
    stopping: ["api"],
  },
  "packages/sweepfile": { data: ["keys", "resolve", "describe"], keys: ["resolve", "describe"], resolve: ["describe"] },
  "packages/grpc": { transport: ["codec", "client", "server"], codec: ["client", "server"] },
  "agents/daemon": { process: ["attempt", "trainers", "session", "host"] },
}

export default {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    {
      name: "resolves",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^vega-lite/types_unstable" },
    },
    ...Object.entries(packages).map(([name, allowed]) => ({
      name: `imports of ${name}`,
      severity: "error",
      from: { path: `^${name}/src/` },
      to: { path: anything, pathNot: [`^${name}/src/`, ...allowed.map((other) => `^${other}`)] },
    })),
    ...Object.entries(above).flatMap(([name, folders]) =>
      Object.entries(folders).map(([folder, forbidden]) => ({
        name: `${name}: ${folder} lies below ${forbidden.join(", ")}`,
        severity: "error",
        from: { path: `^${name}/src/${folder}/` },
        to: { path: `^${name}/src/(${forbidden.join("|")})/` },
      })),
    ),
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|node_modules)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".mjs", ".js"],
    },
  },
}
