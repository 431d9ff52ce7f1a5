// What users meet at the prompt when something is wrong: mistakes are said first and in a few lines, nothing is begun
// before it can continue, and what a command left behind is told apart from what runs.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, smallSweep, Workplace } from "./harness.ts"

const trainer = `
import json, os, sys, time
mode = json.load(open(os.environ["SWEEP_CONFIG"]))["parameters"]["mode"]
if mode == "fail":
    sys.exit("boom")
events = open(os.environ["SWEEP_EVENTS"], "a")
def say(seq, line):
    events.write(json.dumps({"seq": seq, "at": "2026-01-01T00:00:00Z", **line}) + "\\\\n")
    events.flush()
say(1, {"type": "metrics", "step": 1, "values": {"loss": 1}})
if mode == "hang":
    time.sleep(600)
say(2, {"type": "finished", "step": 2, "values": {"loss": 0.5}, "interrupted": False})
`

const sweepOf = (place: Workplace, name: string, mode: string) =>
  place.write(
    `${name}.yaml`,
    `
name: ${name}
trainer: command
command: [python3, ${JSON.stringify(place.write("trainer.py", trainer.replaceAll("\\\\n", "\\n")))}]
metric: {name: loss, goal: minimize}
method: grid
parameters: {mode: {value: ${mode}}, x: {values: [1, 2]}}
`,
  )

const noStack = (text: string) => expect(text).not.toMatch(/\n\s+at .*\.(ts|mjs):\d+/)

describe("a wrong command line", () => {
  it.each([
    [["rnu"], "sweep: Unknown subcommand \"rnu\"; did you mean 'run' or 'rm'?"],
    [["run"], "sweep run: Missing required argument: FILE"],
    [["ls", "--limt"], "sweep ls: Unrecognized flag: --limt"],
    [["run", "--slots", "abc", "x.yaml"], 'sweep run: Invalid value for flag --slots: "abc". Expected a number'],
  ])("%j says what is wrong first, in three lines", async (args, first) => {
    const { code, stdout, stderr } = await new Workplace().run(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    const lines = stderr.trimEnd().split("\n")
    expect(lines[0]).toBe(first)
    expect(lines).toHaveLength(3)
  })

  it("is completed with sweeps and files", async () => {
    const place = new Workplace()
    for (const [shell, ids] of [
      ["bash", "$(sweep ls --ids 2>/dev/null)"],
      ["zsh", "$(sweep ls --ids 2>/dev/null)"],
      ["fish", "(sweep ls --ids 2>/dev/null)"],
    ] as const) {
      const { code, stdout } = await place.run(["--completions", shell])
      expect(code).toBe(0)
      expect(stdout).toContain(ids)
      expect(stdout).not.toContain("@sweeps@")
    }
    const { stdout } = await place.run(["--completions", "bash"])
    expect(stdout).toMatch(/compgen "\$_kind"/)
  })
})

describe("what cannot continue is refused before anything is begun", () => {
  it("slots below 1, files that are not UTF-8, grids without end, metrics nobody reports", async () => {
    const place = new Workplace()
    const file = place.write("small.yaml", smallSweep())
    const slots = await place.run(["run", "--slots", "0", file])
    expect(slots).toMatchObject({ code: 65, stderr: "--slots 0: expected 1 or more\n" })

    const latin = join(place.directory, "latin.yaml")
    writeFileSync(latin, Buffer.from("# first\nname: café\n", "latin1"))
    const refused = await place.run(["run", latin])
    expect(refused.code).toBe(65)
    expect(refused.stderr).toMatch(/latin\.yaml:2:10: this file is not UTF-8 \(byte 0xe9\)/)

    const axis = `{distribution: int_uniform, min: 1, max: 1000000}`
    const wide = smallSweep().replace("  rank:", `  max_length: ${axis}\n  max_samples: ${axis}\n  rank:`)
    const grid = place.write("grid.yaml", wide.replace("  max_samples: {value: 96}\n", ""))
    expect((await place.run(["check", grid])).stderr).toMatch(/grid\.yaml:\d+:\d+: this grid has [\d,]{16,} sets/)

    const metric = place.write("metric.yaml", smallSweep().replace("eval/loss", "eval/los"))
    expect((await place.run(["run", metric])).stderr).toMatch(/did you mean `eval\/loss`\?/)

    expect(lastJson((await place.run(["ls", "--json"])).stdout)).toEqual([])
  })

  it.each([
    [["backup", "/proc/nope/x"], 74, /^cannot write the backup: \/proc\/nope: there is no such file or directory/],
    [["ls", "--access", "nowhere.json"], 77, /nowhere\.json: there is no such access file/],
    [["ls", "--coordinator", "foo..bar:77"], 69, /no coordinator answers at foo\.\.bar:77/],
    [["serve", "--port", "99999"], 65, /--port 99999: expected a port/],
    [["check", "."], 65, /is a directory; expected a sweep file/],
  ])("%j", async (args, code, message) => {
    const done = await new Workplace().run(args)
    expect(done).toMatchObject({ code })
    expect(done.stderr).toMatch(message)
    expect(done.stderr).not.toMatch(/E[A-Z]{4,}|DNS/)
  })
})

describe("what became of sweeps", () => {
  it("failures are counted and told, with their reason, and cloning says which parameter is wrong", async () => {
    const place = new Workplace()
    const run = await place.run(["run", sweepOf(place, "bad", "fail"), "--slots", "2"])
    expect(run.code).toBe(2)
    const listed = await place.run(["ls"])
    expect(listed.stdout).toMatch(/failed/)
    expect(listed.stdout).toMatch(/^bad +finished +2\/2 +2 /m)
    const shown = await place.run(["show", "bad"])
    expect(shown.stdout).toMatch(/failures\n {2}#1 #2 bug: .*boom/)
    const cloned = await place.run(["clone", "bad/1", "--set", "rnk=4"])
    expect(cloned.code).not.toBe(0)
    expect(cloned.stderr).toMatch(/`?rnk/)
    expect(cloned.stderr).not.toMatch(/\n\s+at /)
  })

  it("one whose command was killed waits, and does not take the next one's agent", async () => {
    const place = new Workplace()
    const hanging = place.start(["run", sweepOf(place, "ghost", "hang"), "--slots", "1"])
    await hanging.until(/#1 started/)
    hanging.kill("SIGKILL")
    await hanging.done
    const listed = await place.run(["ls"])
    expect(listed.stdout).toMatch(/^ghost +waiting /m)
    expect(listed.stdout).toMatch(/resume: sweep resume ghost/)
    expect((await place.run(["show", "ghost"])).stdout).toMatch(/ghost, waiting\)/)

    const next = await place.run(["run", sweepOf(place, "next", "finish"), "--slots", "1"])
    expect(next, next.stderr).toMatchObject({ code: 0 })
    expect(next.stderr).toMatch(/ghost is paused: the command that ran it has ended/)
    const states = lastJson((await place.run(["ls", "--json"])).stdout) as ReadonlyArray<{
      sweep: string
      status: string
    }>
    expect(Object.fromEntries(states.map(({ sweep, status }) => [sweep, status]))).toEqual({
      ghost: "paused",
      next: "finished",
    })
  })

  it("and a reader that goes away ends a command without a word", async () => {
    const place = new Workplace()
    await place.run(["run", sweepOf(place, "good", "finish"), "--slots", "1"])
    const reading = place.start(["query", "SELECT unnest(range(200000)) AS n", "--limit", "200000"])
    reading.process.stdout!.destroy()
    const { code, stderr } = await reading.done
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    noStack(stderr)
  })
})
