// How long the command takes to start: `sweep --version` of the bundle, against the least a Node program can take,
// `node -e 0`. Each pair is run one after the other, and the ratio is the median of the pairs' ratios: on a noisy machine
// both sides of a pair see the same noise. Also shown: `sweep --help`, which loads the whole command tree as any other
// command does, and what the `./sweep` wrapper adds.
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { median } from "./median.ts"
import { root } from "./root.ts"

const pairs = 31
const most = 3

const time = (command: string, args: ReadonlyArray<string>): number => {
  const started = performance.now()
  const done = spawnSync(command, args, { stdio: "ignore", cwd: root })
  if (done.status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${done.status ?? done.error}`)
  return performance.now() - started
}

const program = join(root, "packages/cli/dist/sweep.mjs")
const sides = {
  node: () => time(process.execPath, ["-e", "0"]),
  sweep: () => time(process.execPath, [program, "--version"]),
  help: () => time(process.execPath, [program, "--help"]),
  wrapper: () => time(join(root, "sweep"), ["--version"]),
}
// Caches fill and a stale preparation is renewed before anything is counted.
sides.wrapper()
const times: Record<keyof typeof sides, Array<number>> = { node: [], sweep: [], help: [], wrapper: [] }
for (let i = 0; i < pairs; i++)
  for (const side of ["node", "sweep", "help", "wrapper"] as const) times[side].push(sides[side]())

const ratio = median(times.sweep.map((sweep, i) => sweep / times.node[i]!))
const added = median(times.wrapper.map((wrapper, i) => wrapper - times.sweep[i]!))
for (const [side, values] of Object.entries(times)) {
  console.log(`${side.padEnd(8)} median ${median(values).toFixed(0)} ms, least ${Math.min(...values).toFixed(0)} ms`)
}
console.log(
  JSON.stringify({
    name: "start",
    ratio: Number(ratio.toFixed(2)),
    most,
    node_ms: Math.round(median(times.node)),
    help_ratio: Number(median(times.help.map((help, i) => help / times.node[i]!)).toFixed(2)),
    sweep_ms: Math.round(median(times.sweep)),
    wrapper_adds_ms: Math.round(added),
    ok: ratio <= most && added < 50,
  }),
)
