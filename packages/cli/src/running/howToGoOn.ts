// What a person does next where nothing continues by itself.
import type { SweepState } from "@sweep/domain/SweepState"

/** A sweep that counts as running while nothing is there to run it. `alone`: no coordinator is there. */
export const waitsForResume = ({ status, spec }: SweepState, alone: boolean): boolean =>
  alone && status === "running" && spec.trainer !== "external"

/** `alone`: no coordinator is there to continue. */
export const howToGoOn = ({ id, spec }: SweepState, alone: boolean): string =>
  spec.trainer === "external" ? `; continue: sweep ask ${id}` : alone ? `; resume it: sweep resume ${id}` : ""
