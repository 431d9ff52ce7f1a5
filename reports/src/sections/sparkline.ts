// A curve the size of a word, for a table's cell. All rows share one frame, so that they can be compared.
import type { CurvePoint } from "@sweep/domain/Curve"
import type { Frame } from "../charts/frame.ts"
import { thin } from "../charts/thin.ts"
import { type Html, unsafe } from "../Html.ts"

const width = 76
const height = 22
const inset = 2

export const sparkline = (
  points: ReadonlyArray<CurvePoint>,
  frame: Frame,
  lastStep: number,
  colour: string,
  marked: CurvePoint | null,
): Html | null => {
  if (points.length < 2 || lastStep === 0) return null
  const at = ({ step, value }: CurvePoint): string => {
    const share = Math.min(1, Math.max(0, (value - frame.low) / (frame.high - frame.low)))
    const x = inset + (step / lastStep) * (width - 2 * inset)
    const y = inset + (1 - share) * (height - 2 * inset)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  }
  const [cx, cy] = marked === null ? [] : at(marked).split(",")
  // Numbers and our own colours only.
  return unsafe(
    `<svg class="spark" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-hidden="true">` +
      `<polyline points="${thin(points, 40).map(at).join(" ")}" stroke="${colour}"/>` +
      (cx === undefined ? "" : `<circle cx="${cx}" cy="${cy}" r="2" fill="${colour}"/>`) +
      `</svg>`,
  )
}
