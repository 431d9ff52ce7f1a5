// Removing sweeps with the command alone, and through a coordinator that runs.
import { describe, expect, it } from "vitest"
import { lastJson, Workplace } from "./harness.ts"

const file = `
name: mine
trainer: external
metric: {name: loss, goal: minimize}
method: random
parameters: {x: {min: 0.0, max: 1.0}}
`

describe("sweep rm", () => {
  it("asks first, takes only what has ended, and what is gone stays gone", { timeout: 300_000 }, async () => {
    const place = new Workplace()
    place.write("mine.yaml", file)
    let to: ReadonlyArray<string> = []
    const sweep = (...args: ReadonlyArray<string>) => place.run([...args, ...to])
    const ok = async (...args: ReadonlyArray<string>) => {
      const { code, stdout, stderr } = await sweep(...args)
      expect(code, stderr).toBe(0)
      return stdout
    }
    const refused = async (...args: ReadonlyArray<string>) => {
      const { code, stdout, stderr } = await sweep(...args)
      expect([code, stdout]).toEqual([65, ""])
      return stderr
    }
    const begin = async (id: string) => {
      expect(lastJson(await ok("run", "mine.yaml", "--json"))).toEqual({ sweep: id })
      await ok("ask", id)
      await ok("tell", `${id}/1`, "--report", "step=1", "--report", "loss=2")
    }

    await begin("mine")
    expect(await refused("rm", "mine", "--yes")).toBe("mine is running; end it first: sweep stop mine\n")
    await ok("stop", "mine")
    expect(await refused("rm", "mine")).toBe(
      "mine would be removed for good: 1 trial, 1 metric point, 0 files (0 B). There is no terminal to ask at; say it with: sweep rm mine --yes\n",
    )
    expect(await refused("rm", "mine/1", "--yes")).toContain("is not a sweep's id")
    expect(await refused("rm", "mime", "--yes")).toContain("did you mean mine?")
    expect(await ok("rm", "mine", "--yes")).toBe("mine: removed 1 trial, 1 metric point, 0 files (0 B)\n")
    expect(await refused("rm", "mine", "--yes")).toBe("there is no sweep named mine; it was removed\n")
    expect(await refused("tell", "mine/1", "--value", "1")).toContain("it was removed")
    expect(lastJson(await ok("ls", "--json"))).toEqual([])

    to = ["--coordinator", (await place.serve()).address]
    await begin("mine-2")
    expect(await refused("rm", "mine-2", "--yes")).toContain("sweep stop mine-2")
    await ok("stop", "mine-2")
    expect(lastJson(await ok("rm", "mine-2", "--yes", "--json"))).toEqual({
      removed: "mine-2",
      trials: 1,
      points: 1,
      files: 0,
      bytes: 0,
    })
    expect(await refused("show", "mine-2")).toContain("it was removed")
  })
})
