// Draws from a posterior whose prior is standard normal, by elliptical slice sampling (Murray, Adams & MacKay, 2010): it has no
// step size to tune. Owns the walk; what the coordinates mean is the likelihood's.
import type { Random } from "@sweep/search/Random"

export interface Walk {
  /** Coordinates, all standard normal before the data. */
  readonly size: number
  readonly logLikelihood: (latent: Float64Array) => number
  readonly warmUp: number
  readonly draws: number
  /** Steps from one draw to the next. */
  readonly thinning: number
}

/** Draws of the prior of which the best is where the walk begins. */
const starts = 12
/** A slice that is not hit by then is as good as a point: the walk stays. */
const mostShrinks = 40

export const ellipticalSlice = (
  { size, logLikelihood, warmUp, draws, thinning }: Walk,
  from: Random,
): ReadonlyArray<Float64Array> => {
  const fresh = (): Float64Array => Float64Array.from({ length: size }, () => from.normal())
  let here: Float64Array = new Float64Array(size)
  let height = logLikelihood(here)
  for (let i = 0; i < starts; i++) {
    const other = fresh()
    const its = logLikelihood(other)
    if (its > height) [here, height] = [other, its]
  }
  const found: Array<Float64Array> = []
  for (let step = 0; found.length < draws; step++) {
    const direction = fresh()
    const level = height + Math.log(from.uniform())
    let angle = 2 * Math.PI * from.uniform()
    let [low, high] = [angle - 2 * Math.PI, angle]
    for (let shrinks = 0; shrinks < mostShrinks; shrinks++) {
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      const proposed = Float64Array.from(here, (x, k) => x * cos + direction[k]! * sin)
      const its = logLikelihood(proposed)
      if (its > level) {
        ;[here, height] = [proposed, its]
        break
      }
      if (angle < 0) low = angle
      else high = angle
      angle = low + (high - low) * from.uniform()
    }
    if (step >= warmUp && step % thinning === 0) found.push(here)
  }
  return found
}
