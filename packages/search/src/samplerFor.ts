// The registry of samplers: from the method a sweep file names to the sampler that carries it out.
import type { Method, SweepSpec } from "@sweep/domain/SweepSpec"
import { gridSearch } from "./Grid.ts"
import { randomSearch } from "./RandomSearch.ts"
import type { Sampler, SamplerFactory } from "./Sampler.ts"

const factories: Partial<Record<Method, SamplerFactory>> = {
  grid: gridSearch,
  random: randomSearch,
}

/** Throws `InvalidSpace` when the space cannot be searched, or not by this method. */
export const samplerFor = (spec: SweepSpec): Sampler =>
  factories[spec.method]!({ space: spec.space, metric: spec.metric, seed: spec.seed })
