// Makes the traces of Optuna's samplers that `quality` compares ours with; resumable. Run as
// `node bench/src/makeOptunaTraces.ts [--seeds 20] [--from 1] [--samplers random,tpe,cmaes,gp] [--gp-trials 50]`.
import { parseArgs } from "node:util"
import { functions } from "./functions.ts"
import { tableFunction } from "./responseTable.ts"
import { type OptunaSampler, startOptuna } from "./optuna.ts"
import { checkpoints, keyOf, load, runOptuna, save } from "./traces.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    from: { type: "string", default: "1" },
    samplers: { type: "string", default: "random,tpe,cmaes,gp" },
    // Optuna's GP takes a second a trial at 200: it is compared up to 50.
    "gp-trials": { type: "string", default: "50" },
  },
})

const optuna = await startOptuna()
const traces = load()
for (const sampler of values.samplers.split(",") as Array<OptunaSampler>) {
  const trials = sampler === "gp" ? Number(values["gp-trials"]) : checkpoints.at(-1)!
  for (let i = 0; i < Number(values.seeds); i++) {
    const seed = Number(values.from) + i
    const start = performance.now()
    for (const f of [...functions, ...tableFunction()]) {
      const key = keyOf(optuna.version, sampler, f, seed)
      if ((traces[key]?.length ?? 0) >= checkpoints.filter((n) => n <= trials).length) continue
      traces[key] = await runOptuna(optuna, sampler, f, seed, trials)
      save(traces)
    }
    console.log(`${sampler} seed ${seed}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
  }
}
optuna.close()
