// `npm run hostile`: authorised but malicious agents, submitters and readers, and strangers at the port, over mutual TLS
// against a real coordinator with a fleet at work. Owns running the attacks one after another and saying what came of
// them; what they are stands in the files beside this one.
//
//   --json   the last line of stdout is the summary as one JSON object
import { parseArgs } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import type { SweepApi } from "@sweep/protocol/SweepApi"
import { agentAttacks } from "./agentAttacks.ts"
import { apiOf, type Attack, type Stage, type Victim } from "./attack.ts"
import { Fleet } from "./Fleet.ts"
import { readerAttacks } from "./readerAttacks.ts"
import { strangerAttacks } from "./strangerAttacks.ts"
import { submitterAttacks } from "./submitterAttacks.ts"

const { values: options } = parseArgs({ options: { json: { type: "boolean", default: false } } })

/** From a trial's end to its confirmation, for 99 of 100 trials. */
const mostMillis = 1_000
const attacks: ReadonlyArray<Attack> = [...agentAttacks, ...submitterAttacks, ...readerAttacks, ...strangerAttacks]

const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

const patiently = <A>(find: Effect.Effect<A | undefined, unknown>): Effect.Effect<A> =>
  Effect.gen(function* () {
    for (;;) {
      const found = yield* Effect.orElseSucceed(find, () => undefined)
      if (found !== undefined) return found
      yield* Effect.sleep("200 millis")
    }
  })

const fleetSweep = SweepId.make("fleet")
const victimSweep = SweepId.make("victim")
const first = TrialNumber.make(1)
const second = TrialNumber.make(2)

const trialIn = (owner: SweepApi["Service"], sweep: SweepId, trial: TrialNumber, state: string) =>
  Effect.map(owner.get(sweep), ({ trials }): Victim | undefined => {
    const found = trials.get(trial)
    return found?.state === state && found.epoch !== null ? { sweep, trial, epoch: found.epoch } : undefined
  })

/** The same for a process, in which what an attack needs of its victims is found once. */
const stageOf = Effect.fnUntraced(function* (fleet: Fleet) {
  const { address, port, access } = fleet
  const bare = { address, port, access } as Stage
  const owner = yield* apiOf(bare, "me")
  yield* patiently(trialIn(owner, victimSweep, second, "running"))
  yield* owner.control(victimSweep, second, "pause", { _tag: "ByHand" })
  const paused = yield* patiently(trialIn(owner, victimSweep, second, "paused"))
  const finished = yield* patiently(
    Effect.map(owner.artifacts(fleetSweep, null), (kept): Victim | undefined => {
      const [file] = kept
      return file === undefined ? undefined : { sweep: fleetSweep, trial: file.trial, epoch: Epoch.make(file.epoch) }
    }),
  )
  const running = patiently(trialIn(owner, victimSweep, first, "running"))
  return { ...bare, owner, running, finished, paused } satisfies Stage
})

/** Milliseconds from the line in which a real trainer said that it was through to the fact that says so. */
const fleetMillis = (owner: SweepApi["Service"]) =>
  Effect.map(
    owner.query(
      `SELECT epoch_ms(t.ended_at) - epoch_ms((e.body->>'at')::TIMESTAMPTZ) FROM trials t
       JOIN journal.attempts a ON a.sweep = t.sweep AND a.trial = t.trial JOIN journal.events e ON e.epoch = a.epoch
       WHERE t.sweep = 'fleet' AND t.state = 'completed' AND e.type = 'finished'`,
      100_000,
    ),
    ({ rows }) => rows.map(([millis]) => Number(millis)),
  )

const everything = (fleet: Fleet) =>
  Effect.gen(function* () {
    const began = performance.now()
    const stage = yield* stageOf(fleet)
    yield* stage.owner.submit(
      exampleSpec({
        name: "probe",
        method: "random",
        resources: { gpus: 2 },
        space: {
          dimensions: [
            {
              name: "learning_rate",
              distribution: { _tag: "Uniform", min: 0.1, max: 0.2 },
              when: null,
              prior: null,
            },
          ],
          derived: [],
          constraints: [],
        } as never,
      }),
    )
    yield* Effect.promise(() => fleet.startProbe())
    const gone: Array<string> = []
    let held = 0
    for (const { who, what, run } of attacks) {
      const exit = yield* Effect.exit(Effect.timeout(Effect.scoped(run(stage)), "2 minutes"))
      const why = Exit.isSuccess(exit)
        ? exit.value
        : `it could not be tried: ${Cause.pretty(exit.cause).split("\n")[0]}`
      if (why === null) held++
      else gone.push(`${who} ${what}: ${why}`)
      console.log(`${why === null ? "held    " : "NOT HELD"}  ${who} ${what}${why === null ? "" : `: ${why}`}`)
    }
    const probed = yield* Effect.promise(() => fleet.probed())
    const real = yield* fleetMillis(stage.owner)
    const { agents } = yield* stage.owner.status
    const lost = ["gpu1", "gpu2"].filter(
      (id) => !agents.some(({ agent, state }) => agent === id && state === "connected"),
    )
    const [p50, p99] = [quantile(probed, 0.5), quantile(probed, 0.99)].map(Math.round) as [number, number]
    const summary = {
      attacks: attacks.length,
      held,
      confirmations: probed.length,
      p50_ms: p50,
      p99_ms: p99,
      max_ms: Math.round(Math.max(...probed)),
      fleet_trials: real.length,
      fleet_p99_ms: Math.round(quantile(real, 0.99)),
      agents_lost: lost.length,
    }
    const seconds = Math.round((performance.now() - began) / 1_000)
    console.log(
      `${held} of ${attacks.length} attacks held; ${probed.length} trials confirmed meanwhile, half of them within ${p50} ms, 99 % within ${p99} ms; ${real.length} trials of the fleet, from their last line to the fact 99 % within ${summary.fleet_p99_ms} ms; ${seconds} s`,
    )
    if (options.json) console.log(JSON.stringify(summary))
    return gone.length === 0 && lost.length === 0 && p99 < mostMillis
  }).pipe(Effect.scoped)

const fleet = new Fleet()
let ok = false
try {
  await fleet.start()
  fleet.submit("victim", 2, 100_000)
  fleet.submit("fleet", 5_000, 5)
  ok = await Effect.runPromise(everything(fleet))
} finally {
  if (!ok) console.error(`the coordinator's last words:\n${fleet.lastWords("coordinator")}`)
  await fleet.end()
}
process.exit(ok ? 0 : 1)
