// How a coordinator carries a large sweep: `sweep serve` in a process of its own over a state directory with 1,000, 10,000
// and 100,000 trials (a hundred points each), and 1,000 agents that connect to it at once over gRPC, each with its own
// connection, run trials of about 20 s one after another, and together report 30,000 points a second. Targets: ready in
// 30 s, all agents at work in 60 s, the 99th percentile from the end of a trial to the next assignment below 250 ms, no
// agent lost, memory below 4 GB. The last size is measured for a minute, those before for `--brief` seconds.
//
//   --sizes 1000,10000,100000   --agents 1000   --rate 30000   --seconds 60   --brief 15
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Scaled } from "./scaleAgents.ts"
import { fillStore, pointsPerTrial } from "./scaleFill.ts"
import { root } from "./root.ts"

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    agents: { type: "string", default: "1000" },
    rate: { type: "string", default: "30000" },
    seconds: { type: "string", default: "60" },
    brief: { type: "string", default: "15" },
  },
})
const sizes = options.sizes.split(",").map(Number)
const agents = Number(options.agents)
const rate = Number(options.rate)

const most = { readySeconds: 30, settledSeconds: 60, dispatchP99: 250, memoryGb: 4 }

const program = join(root, "packages/cli/dist/sweep.mjs")
const agentsScript = fileURLToPath(new URL("scaleAgents.ts", import.meta.url))

/** Of a process: gigabytes now and at most, and seconds of CPU. */
const usage = (pid: number) => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const gigabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]) / 1024 ** 2
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  return { now: gigabytes("VmRSS"), most: gigabytes("VmHWM"), cpu: (Number(fields[11]) + Number(fields[12])) / 100 }
}

const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits))

const serve = async (directory: string) => {
  const started = performance.now()
  const child = spawn(process.execPath, [program, "serve", "--port", "0"], {
    env: { ...process.env, SWEEP_HOME: directory },
    stdio: ["ignore", "pipe", "inherit"],
  })
  for await (const line of createInterface(child.stdout)) {
    const address = /^sweep .* serves .* on (\S+)$/.exec(line)?.[1]
    if (address === undefined) continue
    return { child, pid: child.pid!, address, seconds: (performance.now() - started) / 1_000 }
  }
  throw new Error("the coordinator ended")
}

const runAgents = async (address: string, seconds: number): Promise<Scaled> => {
  const child = spawn(process.execPath, [agentsScript, address, String(agents), String(rate), String(seconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let result: Scaled | undefined
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith("{")) result = JSON.parse(line) as Scaled
    else console.log(`  ${line}`)
  }
  if (result === undefined) throw new Error("the agents ended without a result")
  return result
}

const measure = async (trials: number, seconds: number) => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-scale-"))
  try {
    await fillStore(directory, trials)
    console.log(`${trials} trials, ${trials * pointsPerTrial} points`)
    const coordinator = await serve(directory)
    try {
      const idle = usage(coordinator.pid)
      console.log(`  ready after ${rounded(coordinator.seconds)} s with ${rounded(idle.now, 2)} GB`)
      const found = await runAgents(coordinator.address, seconds)
      const after = usage(coordinator.pid)
      const size = {
        trials,
        ready_s: rounded(coordinator.seconds),
        idle_gb: rounded(idle.now, 2),
        settled_s: rounded(found.settledSeconds),
        dispatches: found.dispatches,
        dispatch_p50_ms: rounded(found.dispatch.p50),
        dispatch_p99_ms: rounded(found.dispatch.p99),
        points_per_second: Math.round(found.pointsPerSecond),
        ack_p99_ms: rounded(found.acknowledged.p99),
        lost: found.lost,
        peak_gb: rounded(after.most, 2),
        coordinator_cpu: rounded((after.cpu - idle.cpu) / found.seconds, 2),
      }
      console.log(`  ${JSON.stringify(size)}`)
      return size
    } finally {
      coordinator.child.kill("SIGKILL")
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const growth = []
for (const [i, trials] of sizes.entries()) {
  growth.push(await measure(trials, Number(i === sizes.length - 1 ? options.seconds : options.brief)))
}
const last = growth.at(-1)!
const ok =
  last.ready_s < most.readySeconds &&
  last.settled_s < most.settledSeconds &&
  last.dispatch_p99_ms < most.dispatchP99 &&
  last.points_per_second >= 0.98 * rate &&
  growth.every(({ lost }) => lost === 0) &&
  last.peak_gb < most.memoryGb
console.log(JSON.stringify({ name: "scale", agents, ...last, growth, ok }))
