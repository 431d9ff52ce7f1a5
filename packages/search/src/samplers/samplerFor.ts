// The registry of samplers: from the method a sweep file names to the sampler that carries it out.
import type { Method } from "@sweep/domain/Method"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { bohb } from "./Bohb.ts"
import { cmaEs } from "./CmaEs.ts"
import { ehvi } from "./Ehvi.ts"
import { gp } from "./Gp.ts"
import { gridSearch } from "./Grid.ts"
import { nsga2 } from "./Nsga2.ts"
import { randomSearch } from "./RandomSearch.ts"
import type { Sampler, SamplerFactory, SamplerInput } from "./Sampler.ts"
import { sobolSearch } from "./Sobol.ts"
import { ashaOptionsOf } from "../stopping/stopperFor.ts"
import { tpe } from "./Tpe.ts"

export const samplers: Readonly<Record<Method, SamplerFactory>> = {
  grid: gridSearch,
  random: randomSearch,
  sobol: sobolSearch,
  tpe,
  gp,
  cmaes: cmaEs,
  nsga2,
  ehvi,
}

/** Throws `InvalidSpace` when the space cannot be searched, or not by this method. */
export const samplerFor = (spec: SweepSpec): Sampler => {
  const { space, metric, metrics, outcomes, seed, method, earlyTerminate } = spec
  const input: SamplerInput = {
    space,
    metric,
    seed,
    ...(metrics === undefined ? {} : { metrics }),
    ...(outcomes === undefined ? {} : { outcomes }),
  }
  return earlyTerminate?.["type"] === "bohb" && method === "tpe"
    ? bohb(input, metric, ashaOptionsOf(earlyTerminate))
    : samplers[method](input)
}
