// A database and an agent's directory that a program wrote whose facts held sentences (fact version 2): both were killed,
// the coordinator first, so that the agent holds ends nobody has heard of. Today's program opens both and continues.
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { lastJson, root, Workplace } from "./harness.ts"

it("opens what a program without codes for reasons has left, and continues with it", async () => {
  const work = new Workplace()
  execFileSync("tar", ["-xzf", join(root, "packages/cli/test/state/textReasons.tar.gz"), "-C", work.directory])
  const directory = join(work.directory, "agent")
  // Its trainers wait for this file.
  writeFileSync(join(directory, "gate"), "")
  const [, address] = await work.start(["serve", "--port", "0"]).until(/--coordinator (\S+:\d+)/)
  const at = ["--coordinator", address!]
  await work
    .start(["agent", ...at, "--slots", "5", "--allow-commands", "--id", "box", "--directory", directory])
    .until(/connected/i)
  expect(await work.run(["resume", "open/5", ...at])).toMatchObject({ code: 0 })
  const watched = await work.run(["watch", "open", ...at])
  expect(watched, watched.stderr).toMatchObject({ code: 0 })

  const show = async (sweep: string) => {
    const shown = await work.run(["show", sweep, ...at, "--json"])
    expect(shown, shown.stderr).toMatchObject({ code: 0 })
    return lastJson(shown.stdout)
  }
  const open = await show("open")
  expect(open).toMatchObject({ status: "finished", reason: "every set of parameters was tried" })
  expect(open.trial_list).toMatchObject([
    // It had been retried already, which the cause of its release says: the end that waited is its last.
    { state: "failed", attempt: 2, failure: { class: "bug" } },
    { state: "completed", attempt: 1, objective: 0.0025 },
    { state: "completed", attempt: 2 },
    { state: "stopped", stop_reason: "not worth it" },
    { state: "completed", attempt: 2 },
  ])
  const ended = await show("ended")
  expect(ended).toMatchObject({ status: "finished", reason: "every set of parameters was tried" })
  expect(ended.trial_list.map(({ origin }: any) => origin)).toEqual([...Array(4).fill("sampler"), "clone of 3"])

  const outcomes = "SELECT sweep, trial, attempt, outcome FROM attempts WHERE outcome LIKE 'released%' ORDER BY ALL"
  const queried = await work.run(["query", outcomes, ...at, "--json"])
  expect(queried, queried.stderr).toMatchObject({ code: 0 })
  const retried =
    "released: retried after a bug: The trainer exited with status 1 without saying how the trial ended. Its last words: the GPU fell off the bus"
  expect(lastJson(queried.stdout)).toEqual([
    { sweep: "ended", trial: 4, attempt: 1, outcome: retried },
    { sweep: "open", trial: 1, attempt: 1, outcome: retried },
    // What waited in the agent's directory is a sentence, too.
    { sweep: "open", trial: 3, attempt: 1, outcome: "released: the agent was stopped" },
  ])
})
