// How heavy the page is: its bytes, its first paint, opening a sweep of 5,000 trials, an update of the chart of 100 curves of
// 10,000 points, the time from a trainer's write to the screen, and the server's CPU for 50 viewers; and the report of the
// 5,000 trials. The bundled `sweep serve` in a process of its own, Chromium headless, a real agent with a program that reports
// ten points a second. Goals: below 100 kB compressed, first paint ≤ 0.5 s, update ≤ 50 ms, 5,000 trials open in 2 s, points
// on the screen within 1 s (p99), the report in 3 s and below 8 MB.
//
//   --trials 5000   --curves 100   --points 10000   --seconds 20   --viewers 50
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { gzipSync } from "node:zlib"
import { buildLive } from "../../reports/build/live.ts"
import { launch, type Page } from "../../reports/test/chromium.ts"
import { median } from "./median.ts"
import { fillPage } from "./pageFill.ts"
import { root } from "./root.ts"

const { values: options } = parseArgs({
  options: {
    trials: { type: "string", default: "5000" },
    curves: { type: "string", default: "100" },
    points: { type: "string", default: "10000" },
    seconds: { type: "string", default: "20" },
    viewers: { type: "string", default: "50" },
  },
})
const most = { bytes: 100_000, paint: 500, open: 2_000, update: 50, screen: 1_000, report: 3, reportBytes: 8_000_000 }
const program = join(root, "packages/cli/dist/sweep.mjs")
const folder = mkdtempSync(join(tmpdir(), "sweep-page-bench-"))
const started: Array<ChildProcess> = []
const rounded = (value: number, digits = 0) => Number(value.toFixed(digits))
const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN
const cpu = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const run = (home: string, args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, SWEEP_HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  })
  started.push(child)
  return child
}

const serve = async (home: string) => {
  const child = run(home, ["serve", "--port", "0", "--web-port", "0"])
  let coordinator = ""
  for await (const line of createInterface(child.stdout)) {
    coordinator = /^sweep .* serves .* on (\S+)$/.exec(line)?.[1] ?? coordinator
    const page = /(http:\/\/127\.0\.0\.1:\d+\/)/.exec(line)?.[1]
    if (page !== undefined) return { child, pid: child.pid!, page, coordinator }
  }
  throw new Error("the coordinator ended")
}

/** Until what `condition`, an expression, says holds in the page. */
const until = async (page: Page, condition: string) => {
  const from = performance.now()
  // From outside: the page's policy lets nothing be evaluated inside of it.
  while (!(await page.evaluate<boolean>(condition))) await new Promise((done) => setTimeout(done, 5))
  return performance.now() - from
}

const trainer = `
import json, time
times = open(__TIMES__, "a")
for step in range(1, 100000):
    at = time.time()
    with open("events.jsonl", "a") as file:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        file.write(json.dumps({"seq": step, "at": stamp, "type": "metrics", "step": step, "values": {"loss": 1 / step}}) + "\\n")
    times.write(f"{step} {at * 1000}\\n")
    times.flush()
    time.sleep(0.1)
`

const say = (text: string) => console.log(`  ${text}`)

const stills = async () => {
  const home = join(folder, "stills")
  mkdirSync(home)
  await fillPage(home, { trials: Number(options.trials), points: 60, name: "large" })
  await fillPage(home, { trials: Number(options.curves), points: Number(options.points), name: "curves" })
  say("filled")
  const reporting = performance.now()
  const file = join(folder, "report.html")
  execFileSync(process.execPath, [program, "report", "large", "-o", file], {
    env: { ...process.env, SWEEP_HOME: home },
    stdio: "ignore",
  })
  const report = { wall: (performance.now() - reporting) / 1_000, bytes: statSync(file).size }
  say(`report written in ${rounded(report.wall, 1)} s`)
  const { child, page: address } = await serve(home)
  const browser = await launch()
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    const paints: Array<number> = []
    const opens: Array<number> = []
    for (let i = 0; i < 3; i++) {
      await page.goto(address)
      await until(page, "performance.getEntriesByName('first-contentful-paint').length > 0")
      paints.push(await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
      await until(page, "document.querySelector('.cards h2') !== null")
      await page.evaluate("location.hash = '#/s/large'")
      opens.push(
        await until(
          page,
          "document.querySelectorAll('#board tbody tr').length > 0 && document.querySelector('#history circle') !== null",
        ),
      )
    }
    say(`opened in ${opens.map((one) => rounded(one)).join(", ")} ms`)
    await page.goto(`${address}#/s/curves`)
    await page.reload()
    await until(page, "document.querySelectorAll('#curves select option[value=\"train/loss\"]').length > 0")
    await page.evaluate(`(() => {
      const metric = document.querySelector("#curves select")
      metric.value = "train/loss"
      metric.dispatchEvent(new Event("change", { bubbles: true }))
    })()`)
    const loads = await until(
      page,
      "performance.getEntriesByName('curves').length > 0 && Number(document.querySelector('.plot')?.dataset.points) > 10000",
    )
    const updates: Array<number> = []
    for (let i = 1; i <= 12; i++) {
      await page.evaluate(`(() => {
        performance.clearMeasures("curves")
        const input = document.querySelector("#curves input[type=range]")
        input.value = ${0.02 * (i % 2)}
        input.dispatchEvent(new Event("input", { bubbles: true }))
      })()`)
      await until(page, "performance.getEntriesByName('curves').length > 0")
      updates.push(await page.evaluate<number>("performance.getEntriesByName('curves')[0].duration"))
    }
    return { paint: median(paints), open: median(opens), loads, update: median(updates), report }
  } finally {
    await browser.close()
    child.kill("SIGTERM")
  }
}

const live = async () => {
  const home = join(folder, "live")
  mkdirSync(home)
  const times = join(folder, "times")
  writeFileSync(join(folder, "train.py"), trainer.replace("__TIMES__", JSON.stringify(times)))
  writeFileSync(
    join(folder, "live.yaml"),
    `name: live\ntrainer: command\ncommand: [python3, ${folder}/train.py]\nmetric: {name: loss, goal: minimize}\nmethod: grid\nparameters: {x: {values: [1]}}\n`,
  )
  const { child, pid, page: address, coordinator } = await serve(home)
  const agent = run(join(folder, "agent"), [
    "agent",
    "--coordinator",
    coordinator,
    "--slots",
    "1",
    "--allow-commands",
    "--id",
    "bench",
    "--directory",
    join(folder, "spool"),
  ])
  execFileSync(
    process.execPath,
    [program, "run", join(folder, "live.yaml"), "--coordinator", coordinator, "--detach"],
    {
      env: { ...process.env, SWEEP_HOME: home },
      stdio: "ignore",
    },
  )
  const browser = await launch()
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await page.goto(`${address}#/s/live`)
    await until(page, "/\\d/.test(document.querySelector('#curves .bar .quiet:last-child')?.textContent ?? '')")
    await page.evaluate(`(() => {
      globalThis.seen = []
      const at = document.querySelector("#curves .bar .quiet:last-child")
      new MutationObserver(() => {
        const step = /(\\d+)$/.exec(at.textContent.replaceAll(",", ""))
        if (step) requestAnimationFrame(() => globalThis.seen.push([Number(step[1]), Date.now()]))
      }).observe(at, { childList: true, characterData: true, subtree: true })
    })()`)
    const pause = (seconds: number) => new Promise((done) => setTimeout(done, 1_000 * seconds))
    const alone = cpu(pid)
    await pause(Number(options.seconds))
    const one = (cpu(pid) - alone) / Number(options.seconds)
    const seen = await page.evaluate<Array<[number, number]>>("globalThis.seen")
    const written = new Map(
      readFileSync(times, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" ").map(Number) as [number, number]),
    )
    const delays = seen.flatMap(([step, at]) => (written.has(step) ? [at - written.get(step)!] : []))
    const viewers = Array.from({ length: Number(options.viewers) }, () =>
      request(new URL("/api/sweeps/live/events", address), (response) => response.resume()).end(),
    )
    const before = cpu(pid)
    await pause(10)
    const many = (cpu(pid) - before) / 10
    for (const viewer of viewers) viewer.destroy()
    return { delays, one, many }
  } finally {
    await browser.close()
    agent.kill("SIGKILL")
    child.kill("SIGTERM")
  }
}

try {
  const { html, script, style } = await buildLive()
  const bytes = [html, script, style].reduce((sum, text) => sum + gzipSync(text).length, 0)
  console.log(`the page: ${bytes} bytes compressed`)
  const still = await stills()
  console.log(
    `first paint ${rounded(still.paint)} ms, ${options.trials} trials open in ${rounded(still.open)} ms, an update of ${options.curves} × ${options.points} points ${rounded(still.update, 1)} ms (read in ${rounded(still.loads)} ms), the report ${rounded(still.report.wall, 1)} s and ${still.report.bytes} bytes`,
  )
  const { delays, one, many } = await live()
  console.log(
    `${delays.length} points from the trainer's write to the screen; CPU ${rounded(100 * one)} % with one viewer, ${rounded(100 * many)} % with ${options.viewers} more`,
  )
  const result = {
    page_bytes: bytes,
    first_paint_ms: rounded(still.paint),
    open_ms: rounded(still.open),
    curves_read_ms: rounded(still.loads),
    update_ms: rounded(still.update, 1),
    screen_p50_ms: rounded(quantile(delays, 0.5)),
    screen_p99_ms: rounded(quantile(delays, 0.99)),
    points_seen: delays.length,
    cpu_one_viewer: rounded(one, 3),
    cpu_viewers: rounded(many, 3),
    report_s: rounded(still.report.wall, 1),
    report_bytes: still.report.bytes,
  }
  const ok =
    bytes < most.bytes &&
    result.first_paint_ms <= most.paint &&
    result.open_ms <= most.open &&
    result.update_ms <= most.update &&
    result.screen_p99_ms <= most.screen &&
    delays.length > 10 &&
    result.report_s <= most.report &&
    result.report_bytes < most.reportBytes
  console.log(JSON.stringify({ name: "page", trials: Number(options.trials), ...result, ok }))
} finally {
  for (const child of started) if (child.exitCode === null) child.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
}
