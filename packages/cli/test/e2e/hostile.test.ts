// What comes from a sweep file, a trainer or the environment is data, wherever it is shown or kept.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, Workplace } from "./harness.ts"

const canary = "hf_canary_5f1e2d3c4b5a"

/** Writes everything hostile that a trainer can: to its logs, its metrics' names and its last words. */
const trainer = `
import json, os, sys
token = os.environ["HF_TOKEN"]
steer = "\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202e"
html = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
print("login", token, steer, html, flush=True)
print("tok=" + token + steer, file=sys.stderr, flush=True)
events = open("events.jsonl", "a")
seq = 0
def event(type, **fields):
    global seq
    seq += 1
    events.write(json.dumps({"seq": seq, "at": "2026-01-01T00:00:00Z", "type": type, **fields}) + "\\n")
    events.flush()
trial = json.load(open("trial.json"))
event("started", pid=os.getpid(), warm=False, versions={"x": html + token}, device=steer + html)
for step in (1, 2, 3):
    event("metrics", step=step, values={"loss": 1 / step, html: 1.0, steer + "m": 2.0, "t " + token: 3.0})
event("sample", probe=0, prompt=html + token, answer=steer + html + token)
if trial["parameters"]["mode"] == "fail":
    event("failed", **{"class": "data"}, message=steer + html + token, detail=html + token)
else:
    event("finished", step=3, values={"loss": 0.3}, interrupted=False)
`

const sweepFile = (program: string) => `
name: hostile
description: "\\e[2J<img src=x onerror=alert(4)>"
trainer: command
command: [python3, ${JSON.stringify(program)}]
metric: {name: loss, goal: minimize}
secrets: [HF_TOKEN]
method: grid
parameters:
  mode: {values: [finish, fail]}
  odd: {value: "\\e]0;owned\\a</script><script>alert(5)</script>"}
`

const filesIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    return statSync(path).isDirectory() ? filesIn(path) : [path]
  })

describe("hostile text", () => {
  it(
    "steers no terminal, runs in no report, and carries no secret out of the trainer",
    { timeout: 120_000 },
    async () => {
      const place = new Workplace()
      const file = place.write("hostile.yaml", sweepFile(place.write("trainer.py", trainer)))
      const env = { HF_TOKEN: canary }
      const run = await place.run(["run", file], env)
      expect(run.code, run.stderr + run.stdout).toBe(0)
      const id = "hostile"
      const { report } = lastJson((await place.run(["report", id, "--json"])).stdout)
      const outputs = [run]
      for (const args of [
        ["check", file],
        ["ls"],
        ["show", id],
        ["trials", id],
        ["logs", `${id}/1`],
        ["logs", `${id}/1`, "--stderr"],
        ["logs", `${id}/2`, "--stderr"],
        ["best", id],
        ["best", id, "--yaml"],
        ["watch", id],
        ["query", "SELECT * FROM metrics"],
        ["query", "SELECT * FROM events"],
        ["query", "SELECT * FROM trials"],
        ["show", id, "--json"],
        ["logs", `${id}/1`, "--json"],
        ["query", "SELECT * FROM events", "--json"],
      ]) {
        outputs.push(await place.run(args, env))
      }
      for (const { stdout, stderr } of outputs) {
        // oxlint-disable-next-line no-control-regex
        expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
        expect(stdout + stderr).not.toContain(canary)
      }
      expect(outputs[5]!.stdout).toContain("login [redacted]")

      const page = readFileSync(report, "utf8")
      expect(page).toMatch(/http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;/)
      expect(page).not.toMatch(/<script>alert|<img src=x|<b>/)
      expect(page).toContain("alert(")

      // The trainer's own files stay as it wrote them; nothing else has the secret.
      const kept = filesIn(place.home).filter((path) => !path.startsWith(join(place.home, "agent", "attempts")))
      expect(kept.some((path) => path.endsWith("sweep.duckdb"))).toBe(true)
      for (const path of kept) expect(readFileSync(path).includes(canary), path).toBe(false)
    },
  )

  it("in a name is refused where it stands", async () => {
    const place = new Workplace()
    const text = sweepFile("x.py")
      .replace("name: hostile", String.raw`name: "\e[31mred"`)
      .replace("odd:", String.raw`"<b>\e[2J":`)
    const { code, stderr } = await place.run(["check", place.write("named.yaml", text)])
    expect(code).toBe(65)
    expect(stderr).toMatch(/named\.yaml:2:7: the control character U\+001B cannot stand in a sweep's name/)
    expect(stderr).toMatch(/named\.yaml:11:3: .* cannot be a parameter's name/)
    expect(stderr).not.toContain("\u001b")
  })

  it("a secret in a sweep file is refused where it stands", async () => {
    const place = new Workplace()
    const text = sweepFile("x.py").replace("python3,", `python3, "--token=${canary}",`)
    const file = place.write("leaky.yaml", text)
    const { code, stderr, stdout } = await place.run(["run", file], { HF_TOKEN: canary })
    expect(code).toBe(65)
    expect(stderr).toMatch(/leaky\.yaml:5:\d+: this is the value of HF_TOKEN/)
    expect(stdout + stderr).not.toContain(canary)
  })
})
