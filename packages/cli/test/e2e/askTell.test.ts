// A program that runs its own trials, with nothing but the command; and what a person changes of its sweep.
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { lastJson, root, Workplace } from "./harness.ts"

const file = `
name: mine
trainer: external
metric: {name: loss, goal: minimize}
method: tpe
parameters:
  x: {min: -5.0, max: 5.0}
  n: {min: 1, max: 8}
budget: {trials: 3}
`

describe("ask and tell", () => {
  it(
    "runs a sweep whose trials a program runs itself, extends it and clones a trial",
    { timeout: 300_000 },
    async () => {
      const place = new Workplace()
      place.write("mine.yaml", file)
      const ok = async (...args: ReadonlyArray<string>) => {
        const { code, stdout, stderr } = await place.run([...args, "--json"])
        expect(code, stderr).toBe(0)
        return lastJson(stdout)
      }
      expect(await ok("run", "mine.yaml")).toEqual({ sweep: "mine" })
      const seen: Array<any> = []
      for (let n = 1; n <= 3; n++) {
        const asked = await ok("ask", "mine")
        expect(asked).toMatchObject({ sweep: "mine", trial: n, attempt: 1, seed: 0 })
        seen.push(asked.parameters)
        const heard = await ok("tell", `mine/${n}`, "--report", "step=1", "--report", `loss=${n}`)
        expect(heard).toMatchObject({ state: "running", stop: null })
        await (n === 2
          ? ok("tell", "mine/2", "--failed", "--class", "oom")
          : ok("tell", `mine/${n}`, "--value", `${n}e-1`))
      }
      const none = await place.run(["ask", "mine", "--json"])
      expect(none.code).toBe(3)
      expect(lastJson(none.stdout)).toEqual({
        sweep: "mine",
        trial: null,
        ended: expect.stringMatching(/its budget of 3 trials is used/),
      })
      expect(await ok("best", "mine")).toMatchObject({ trial: 1, objective: 0.1, parameters: seen[0] })

      expect(await ok("extend", "mine", "--trials", "+1", "--set", "x={min: 10.0, max: 20.0}")).toMatchObject({
        revision: 2,
      })
      const wider = await ok("ask", "mine")
      expect(wider).toMatchObject({ trial: 4 })
      expect(wider.parameters.x).toBeGreaterThanOrEqual(10)
      await ok("tell", "mine/4", "--value", "5")
      expect(await ok("clone", "mine/1", "--set", "n=6")).toEqual({ sweep: "mine", clone_of: 1, trials: [5] })
      expect(await ok("ask", "mine")).toMatchObject({ trial: 5, parameters: { ...seen[0], n: 6 } })
      await ok("tell", "mine/5", "--value", "0.05")
      const shown = await ok("show", "mine")
      expect(shown).toMatchObject({ budget: { trials: 4, used: { trials: 5 } } })
      expect(shown.trial_list.map(({ origin }: any) => origin)).toEqual([...Array(4).fill("sampler"), "clone of 1"])
      const text = (await place.run(["show", "mine"])).stdout
      expect(text).toMatch(/finished: its budget of 4 trials is used/)
      expect(text).toMatch(/budget +5 of 4 trials/)
      expect(text).toMatch(/best: #5, loss 0\.05/)
    },
  )

  it("says what is wrong", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("mine.yaml", file)
    await place.run(["run", "mine.yaml"])
    await place.run(["ask", "mine"])
    const token = "hf_0123456789abcdefghij"
    for (const args of [
      ["clone", "mine/1", "--set", `n=${token}`],
      ["extend", "mine", "--set", `n=[${token}]`],
      ["tell", "mine/1", "--failed", "--message", `no access with ${token}`],
    ]) {
      const { code, stdout, stderr } = await place.run(args, { HF_TOKEN: token })
      expect(code, args.join(" ")).toBe(65)
      expect(stderr).toMatch(/the value of HF_TOKEN/)
      expect(stdout + stderr).not.toContain(token)
    }
    for (const [args, pattern] of [
      [["tell", "mine/1"], /Say how the trial ended/],
      [["tell", "mine/1", "--value", "good"], /'good' is not a number/],
      [["tell", "mine/1", "--value", "1", "--failed"], /exclude each other/],
      [["tell", "mine/1", "--report", "loss=1"], /names a step/],
      [["tell", "mine/1", "--finished"], /`loss` never arrived/],
      [["tell", "mine/7", "--value", "1"], /no trial mine\/7/],
      [["extend", "mine"], /Say what changes/],
      [["extend", "mine", "--trials", "many"], /'many' is not a number of trials/],
      [["extend", "mine", "--trials", "3"], /changes nothing/],
      [["extend", "mine", "--set", "x={min: 3, max: 1}"], /mine\.yaml:\d+:\d+.*`min` is greater/],
      [["extend", "mine", "nowhere.yaml"], /nowhere\.yaml: no such file/],
      [["clone", "mine/1"], /Say what differs/],
      [["clone", "mine/1", "--set", "y=1"], /`y` is no parameter of mine/],
      [["clone", "mine/1", "--set", "x=[1, 2]"], /is several/],
    ] as const) {
      const { code, stderr } = await place.run(args)
      expect(code, args.join(" ")).toBe(65)
      expect(stderr).toMatch(pattern)
      expect(stderr).not.toMatch(/\n\s+at .*\.(ts|mjs):\d+/)
    }
  })
})

describe("ask-tell", () => {
  it("serves a Python program over one connection", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("mine.yaml", file.replace("trials: 3", "trials: 30"))
    place.write(
      "study.py",
      `
import time, sweep
with sweep.ask_tell("mine") as trials:
    begun = time.perf_counter()
    for trial in trials:
        try:
            trial.report({"other": 1}, step=0)
            trial._study._call({"type": "tell", "trial": 999, "value": 1})
        except sweep.SweepError as error:
            assert "999" in str(error), error
        if trial.number == 2:
            trial.fail("no room", "oom")
        elif trial.number == 3:
            trial.report({"loss": float("nan")}, step=1)
            trial.report(loss=3, step=2)
            trial.finish()
        else:
            trial.finish(trial.parameters["x"] ** 2 + trial.config.n, extra=1)
    print(trials.ended, (time.perf_counter() - begun) / 30)
`,
    )
    expect((await place.run(["run", "mine.yaml"])).code).toBe(0)
    const done = await place.execute([join(root, ".venv/bin/python"), "study.py"], {
      PYTHONPATH: join(root, "agents/python/src"),
    })
    expect(done.code, done.stderr).toBe(0)
    expect(done.stdout).toMatch(/its budget of 30 trials is used/)
    const trials = lastJson((await place.run(["trials", "mine", "--json"])).stdout)
    expect(trials.map(({ state }: any) => state).filter((state: string) => state === "infeasible")).toHaveLength(1)
    expect(trials[2].objective).toBe(3)
    expect(trials).toHaveLength(30)
  })
})
