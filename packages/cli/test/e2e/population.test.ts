// Population-based training to its end: the real command, two real agents and the real trainer.
import { expect, it } from "vitest"
import { lastJson, smallSweep, Workplace } from "./harness.ts"

/** Four members whose learning rates are all too low: a member that takes over a better one's raises it fourfold. */
const members = (name: string, rule: string) => `${smallSweep({ name, epochs: "[4]", ranks: "[4]" })
  .replace("method: grid", "method: random\nbudget: {trials: 4}")
  .replace("{values: [0.002]}", "{distribution: log_uniform_values, min: 0.0001, max: 0.02}")}
enqueue:
${[0.0001, 0.0002, 0.0003, 0.0004].map((rate) => `  - {rank: 4, learning_rate: ${rate}, epochs: 4}`).join("\n")}
${rule}
`
const pbt =
  "early_terminate: {type: pbt, resource: epoch, interval: 1, population: 4, resample_probability: 0, perturb: [4]}"

it(
  "a population on two agents copies checkpoints between them, ends better than its best starting member, and the same every time",
  { timeout: 900_000 },
  async () => {
    const place = new Workplace()
    const { address } = await place.serve()
    const at = ["--coordinator", address]
    for (const id of ["one", "two"]) await place.agent(address, id, ["--slots", "2"])
    const json = async (...args: ReadonlyArray<string>) => {
      const { code, stdout, stderr } = await place.run([...args, ...at, "--json"])
      expect(code, stderr).toBe(0)
      return lastJson(stdout)
    }
    const train = async (name: string, rule = "") => {
      const file = place.write(`${name}.yaml`, members(name, rule))
      expect(await json("run", file)).toMatchObject({ status: "finished", trials: { total: 4, completed: 4 } })
      return (await json("trials", name)) as ReadonlyArray<any>
    }

    const alone = await train("alone")
    const population = await train("population", pbt)

    // In each of three rounds the lowest learning rate resumes from the best: 1 from 4, then others from those.
    const takeovers = population.flatMap(({ trial, lineage }) => lineage.map((one: any) => ({ ...one, trial })))
    expect(takeovers.map(({ step }) => step).sort((a, b) => a - b)).toEqual([6, 12, 18])
    expect(population[0].lineage).toMatchObject([
      { from: 4, step: 6, changes: [{ name: "learning_rate", before: 0.0001, parent: 0.0004 }] },
    ])
    for (const { changes } of takeovers) {
      expect(changes).toHaveLength(1)
      expect(changes[0].after).toBeCloseTo(Math.min(4 * changes[0].parent, 0.02))
    }

    // Where the checkpoint was made, and where it was resumed: at least once on different hosts.
    const query = `
      SELECT f.trial, made.agent AS made, min_by(used.agent, used.assigned_at) AS used
      FROM facts f
      JOIN attempts made ON made.sweep = f.sweep AND made.epoch = (f.body->>'$.from.epoch')::INT
      JOIN attempts used ON used.sweep = f.sweep AND used.trial = f.trial AND used.assigned_at >= f.recorded_at
      WHERE f.type = 'TrialExploited' AND f.sweep = 'population'
      GROUP BY f.seq, f.trial, made.agent ORDER BY f.seq`
    const copies = (await json("query", query)) as ReadonlyArray<{ made: string; used: string }>
    expect(copies).toHaveLength(3)
    expect(copies.some(({ made, used }) => made !== used)).toBe(true)

    // A member that took over begins where the other one was: the evaluation at that step is the other one's.
    const evals = await json(
      "query",
      "SELECT trial, step, value FROM curves WHERE sweep = 'population' AND metric = 'eval/loss'",
    )
    const value = (trial: number, step: number) =>
      evals.find((row: any) => row.trial === trial && row.step === step).value as number
    expect(value(1, 6)).toBe(value(4, 6))

    const best = (trials: ReadonlyArray<any>) => Math.min(...trials.map(({ objective }) => objective))
    // Same starting members, same seeds, as many epochs.
    expect(population.map(({ seed }) => seed)).toEqual(alone.map(({ seed }) => seed))
    expect(best(population)).toBeLessThan(best(alone) - 0.05)

    const again = await train("again", pbt)
    const outcome = ({ trial, objective, lineage }: any) => ({ trial, objective, lineage })
    expect(again.map(outcome)).toEqual(population.map(outcome))
  },
)
