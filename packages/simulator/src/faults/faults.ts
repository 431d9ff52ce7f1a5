// `npm run faults`: the whole list of faults, simulated and with real processes, and the tests of what other programs'
// holes teach. Owns running it and its summary; what the lists say is faultList's and lessonList's, how a cluster is simulated and how a real one is tormented stand in files of their own.
//
//   --seeds N    simulated clusters (2,000)       --seed N     one of them, told step by step, with the faults it needs
//   --kills N    kill -9 in a real sweep (30)     --json       the last line of stdout is the summary as one JSON object
//   --flips N    bits flipped in log, main file and mark of a database (200); named, nothing else is run
//   --trainer T  of that sweep: command (what it does costs nothing), or peft, which trains
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Flips, flipBits } from "@sweep/store/flipBits"
import { faultList, type ListedFault, type TestRef } from "./faultList.ts"
import { type Simulated, simulateSeeds } from "./simulateSeeds.ts"
import { simulate } from "../cluster/simulate.ts"
import { lessonList } from "./lessonList.ts"
import { isSoakTrainer, soak } from "./soak.ts"
import { root } from "../root.ts"

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    kills: { type: "string", default: "30" },
    trainer: { type: "string", default: "command" },
    flips: { type: "string" },
    json: { type: "boolean", default: false },
  },
})

const { trainer } = options
if (!isSoakTrainer(trainer)) {
  console.error(`--trainer ${trainer}: it is one of command, peft`)
  process.exit(64)
}

const say = (text: string) => void process.stderr.write(`${text}\n`)

/** One seed, with as few of its faults as it takes to fail. */
const replay = (seed: number): boolean => {
  const whole = simulate({ seed, traced: true })
  if (whole.violations.length === 0) {
    console.log(whole.trace.join("\n"))
    console.log(`seed ${seed}: nothing is broken`)
    return true
  }
  const needed = new Set(whole.weather.keys())
  for (const index of whole.weather.keys()) {
    needed.delete(index)
    if (simulate({ seed, only: (other) => needed.has(other) }).violations.length === 0) needed.add(index)
  }
  const least = simulate({ seed, traced: true, only: (index) => needed.has(index) })
  console.log(least.trace.join("\n"))
  for (const { invariant, what } of least.violations) console.log(`seed ${seed}: ${invariant}: ${what}`)
  return false
}

interface TestResult {
  readonly file: string
  readonly name: string
  readonly passed: boolean
}

const withReport = (run: (path: string) => ReadonlyArray<TestResult>): ReadonlyArray<TestResult> => {
  const work = mkdtempSync(join(tmpdir(), "sweep-faults-"))
  try {
    return run(join(work, "report"))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const runVitest = (files: ReadonlyArray<string>): ReadonlyArray<TestResult> =>
  withReport((path) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${path}`]
    spawnSync(process.execPath, [vitest, "run", ...reporters, ...files], { cwd: root, stdio: ["ignore", 2, 2] })
    const report = JSON.parse(readFileSync(path, "utf8")) as {
      readonly testResults: ReadonlyArray<{
        readonly name: string
        readonly assertionResults: ReadonlyArray<{ readonly fullName: string; readonly status: string }>
      }>
    }
    return report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status !== "skipped" && status !== "pending")
        .map(({ fullName, status }) => ({
          file: name.slice(root.length),
          name: fullName,
          passed: status === "passed",
        })),
    )
  })

const runPytest = (files: ReadonlyArray<string>, names: ReadonlyArray<string>): ReadonlyArray<TestResult> =>
  withReport((path) => {
    const python = join(root, ".venv/bin/python")
    const chosen = ["-k", names.join(" or ")]
    spawnSync(python, ["-m", "pytest", "-q", `--junitxml=${path}`, ...chosen, ...files], {
      cwd: root,
      stdio: ["ignore", 2, 2],
      env: { ...process.env, OMP_NUM_THREADS: "1" },
    })
    const report = readFileSync(path, "utf8")
    return Array.from(
      report.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*?(\/>|>(<\w+)?)/g),
      ([, file, name, , inner]) => ({
        // Named from pytest's own root, which is the trainer's folder.
        file: files.find((known) => known.endsWith(`${file!.replaceAll(".", "/")}.py`)) ?? file!,
        name: name!,
        passed: inner !== "<failure" && inner !== "<error" && inner !== "<skipped",
      }),
    )
  })

const runTests = (): ReadonlyArray<TestResult> => {
  const refs = [...faultList, ...lessonList].flatMap(({ tests = [] }) => tests)
  const python = refs.filter(([file]) => file.endsWith(".py"))
  const files = (of: ReadonlyArray<TestRef>) => Array.from(new Set(of.map(([file]) => file)))
  return [
    ...runVitest(files(refs.filter(([file]) => !file.endsWith(".py")))),
    ...runPytest(
      files(python),
      python.map(([, name]) => name),
    ),
  ]
}

const passes = (results: ReadonlyArray<TestResult>, [file, name]: TestRef): boolean => {
  const own = results.filter((result) => result.file.endsWith(file) && result.name.includes(name))
  return own.length > 0 && own.every(({ passed }) => passed)
}

/** Which of the tests do not pass; `null` when all do. */
const failingOf = (tests: ReadonlyArray<TestRef>, results: ReadonlyArray<TestResult>): string | null => {
  const failing = tests.filter((test) => !passes(results, test))
  return failing.length === 0 ? null : failing.map(([file, name]) => `${file}: "${name}" does not pass`).join("; ")
}

/** Why a fault does not count as survived; `null` when it does. */
const verdictOn = (fault: ListedFault, results: ReadonlyArray<TestResult>, simulated: Simulated): string | null => {
  if (fault.weather !== undefined) {
    if ((simulated.runs.get(fault.number) ?? 0) === 0) return "no seed had it: take more seeds"
    const failing = simulated.failing.map(({ seed }) => seed)
    if (failing.length > 0) return `seeds that fail: ${failing.slice(0, 5).join(", ")}`
  }
  return failingOf(fault.tests ?? [], results)
}

/** Bits flipped one at a time in a database whose process was killed. Whether none lost acknowledged data silently. */
const flips = async (count: number): Promise<Flips> => {
  const found = await flipBits({ flips: count, seed: Number(options.from), repair: false, say })
  for (const [file, outcomes] of Object.entries(found.byFile)) console.log(`${file}: ${JSON.stringify(outcomes)}`)
  for (const bit of found.silent) console.log(`lost silently: ${bit}`)
  console.log(`${found.flips} bits flipped, ${found.silent.length} lost acknowledged data silently`)
  return found
}

const everything = async (): Promise<boolean> => {
  const began = performance.now()
  const simulated = await simulateSeeds(Number(options.from), Number(options.seeds), say)
  say(`${options.seeds} seeds, ${simulated.trials} trials, ${simulated.failing.length} seeds fail`)
  const results = runTests()
  const torment = await soak({ kills: Number(options.kills), trainer, seed: Number(options.from), say })
  const flipped = await flips(200)
  let survived = 0
  const tried = faultList.filter(({ left }) => left === undefined)
  for (const fault of faultList) {
    const why = fault.left ?? verdictOn(fault, results, simulated)
    if (why === null) survived++
    const by = fault.weather === undefined ? "" : ` in ${simulated.runs.get(fault.number) ?? 0} seeds`
    const mark = why === null ? "survived" : fault.left === undefined ? "NOT SURVIVED" : "left out"
    console.log(`${String(fault.number).padStart(2)}  ${mark}  ${fault.what}${why === null ? by : ` (${why})`}`)
  }
  let learned = 0
  for (const { from, lesson, tests } of lessonList) {
    const why = failingOf(tests, results)
    if (why === null) learned++
    console.log(`${why === null ? "learned" : "NOT LEARNED"}  ${lesson} (${from})${why === null ? "" : `: ${why}`}`)
  }
  for (const problem of torment.problems) console.log(`kill -9: ${problem}`)
  const seconds = Math.round((performance.now() - began) / 1_000)
  console.log(
    `${survived} of ${tried.length} faults survived (${faultList.length - tried.length} left out); ${learned} of ${lessonList.length} lessons learned; ${options.seeds} seeds; ${torment.kills} kills in one sweep; ${seconds} s`,
  )
  const summary = {
    faults: tried.length,
    survived,
    lessons: lessonList.length,
    learned,
    seeds: Number(options.seeds),
    kills: torment.kills,
    lost_points: simulated.lostPoints + torment.lostPoints,
    duplicate_points: simulated.duplicatePoints + torment.duplicatePoints,
    double_runs: simulated.doubleRuns,
    orphans: simulated.orphans + torment.orphans,
    flips: flipped.flips,
    lost_silently: flipped.silent.length,
  }
  if (options.json) console.log(JSON.stringify(summary))
  return (
    survived === tried.length &&
    learned === lessonList.length &&
    simulated.failing.length === 0 &&
    torment.problems.length === 0 &&
    flipped.silent.length === 0
  )
}

const onlyFlips = async (count: number): Promise<boolean> => {
  const { silent, ...found } = await flips(count)
  if (options.json) console.log(JSON.stringify({ ...found, lost_silently: silent.length }))
  return silent.length === 0
}

const run = (): Promise<boolean> | boolean => {
  if (options.flips !== undefined) return onlyFlips(Number(options.flips))
  return options.seed === undefined ? everything() : replay(Number(options.seed))
}
const ok = await run()
process.exitCode = ok ? 0 : 1
