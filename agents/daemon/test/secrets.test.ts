// Which secrets of its environment an agent passes to a trial: those the trial names, and no others.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ScriptedCoordinator } from "./ScriptedCoordinator.ts"
import { script, startAgent, temporaryDirectory, trainerCommand } from "./testAgent.ts"

const secrets = {
  HF_TOKEN: "hf_canary_0123456789",
  HUGGINGFACE_API_KEY: "short",
  WANDB_API_KEY: "local-0123456789abcdef",
  MY_SECRET: "a secret of the owner's own",
  AWS_SECRET_ACCESS_KEY: "withheld-0123456789",
}
/** What training programs need and is no secret, though two have the words of one in their names. */
const others = { HF_HUB_DISABLE_IMPLICIT_TOKEN: "0", HF_TOKEN_PATH: "/nowhere/token", HF_HUB_OFFLINE: "1" }

const before = { ...process.env }
beforeAll(() => void Object.assign(process.env, secrets, others))
afterAll(() => {
  for (const name of Object.keys({ ...secrets, ...others })) {
    if (before[name] === undefined) delete process.env[name]
    else process.env[name] = before[name]
  }
})

const started = (trainer: "peft" | "command") =>
  Effect.gen(function* () {
    const coordinator = new ScriptedCoordinator()
    const home = yield* temporaryDirectory
    yield* startAgent(coordinator, home, { trainers: [trainer], withheld: ["AWS_SECRET_ACCESS_KEY"] })
    yield* coordinator.untilConnected
    /** Runs a trial that names `named`, and says which secrets it found, as what, and in which process. */
    const run = (named?: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const epoch = yield* coordinator.assign({
          trainer,
          command: trainer === "command" ? trainerCommand : [],
          trialJson: { ...script("environment", "finish"), ...(named === undefined ? {} : { secrets: named }) },
        })
        expect(yield* coordinator.untilEnded(epoch)).toMatchObject({ _tag: "Finished" })
        const environment: Record<string, string> = JSON.parse(coordinator.of(epoch).sample("environment")!)
        const event = coordinator.of(epoch).events.find(({ type }) => type === "started")
        return {
          found: Object.entries(environment).filter(([name]) => name in secrets || name.startsWith("SWEEP_TEST_")),
          kept: Object.keys(others).filter((name) => name in environment),
          pid: event?.type === "started" ? event.pid : 0,
        }
      })
    return run
  })

describe("secrets of the agent's environment", () => {
  it.live("go to the program whose trial names them, and not when their owner withholds them", () =>
    Effect.gen(function* () {
      const run = yield* started("command")
      expect(yield* run()).toMatchObject({ found: [], kept: Object.keys(others) })
      const named = ["HF_TOKEN", "MY_SECRET", "AWS_SECRET_ACCESS_KEY", "NOT_THERE", "SWEEP_TOKEN"]
      const { found } = yield* run(named)
      // What came back went through the agent's redaction.
      expect(Object.fromEntries(found)).toEqual({ HF_TOKEN: "[redacted]", MY_SECRET: "[redacted]" })
      expect((yield* run()).found).toEqual([])
    }),
  )

  it.live("go to a warm host of their own: another one takes its place where a trial names others", () =>
    Effect.gen(function* () {
      const run = yield* started("peft")
      const none = yield* run()
      const still = yield* run([])
      expect([none.found, still.found]).toEqual([[], []])
      expect(still.pid).toBe(none.pid)

      const hub = yield* run(["HF_TOKEN"])
      expect(Object.fromEntries(hub.found)).toEqual({ HF_TOKEN: "[redacted]" })
      expect(hub.pid).not.toBe(none.pid)
      // What is not there makes no difference.
      expect((yield* run(["NOT_THERE", "HF_TOKEN"])).pid).toBe(hub.pid)

      const after = yield* run()
      expect(after.found).toEqual([])
      expect(after.pid).not.toBe(hub.pid)
    }),
  )
})
