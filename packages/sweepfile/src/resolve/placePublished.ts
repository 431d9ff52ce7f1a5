// `prior: default` once the model and the data are known: ranges and beliefs of published studies for a model of this size,
// with so many records. Owns which dimensions they replace; the numbers are the domain's.
import { beliefWithin, publishedFor, type Setting, sizeInName, trainsOf } from "@sweep/domain/published"
import { Dimension, SearchSpace } from "@sweep/domain/SearchSpace"
import { variantsOf } from "../keys/readParameters.ts"
import type { ReadSpace } from "../keys/readSpace.ts"

export const placePublished = (
  { space, parameters }: Pick<ReadSpace, "space" | "parameters">,
  about: { readonly model: string; readonly records: number | null },
): SearchSpace => {
  const marked = new Map(
    parameters.flatMap(({ name, published }) => (published === undefined ? [] : [[name, published]])),
  )
  if (marked.size === 0) return space
  const setting: Setting = {
    size: sizeInName(about.model),
    records: about.records,
    trains: trainsOf(variantsOf(parameters)),
  }
  return new SearchSpace({
    ...space,
    dimensions: space.dimensions.map((dimension) => {
      const how = marked.get(dimension.name)
      const found = how === undefined ? null : publishedFor(dimension.name, setting)
      if (found === null) return dimension
      return new Dimension({
        ...dimension,
        ...(how === "range" ? found : { prior: beliefWithin(found, dimension.distribution) }),
      })
    }),
  })
}
