// What a person does next where nothing goes on by itself.
import type { SweepState } from "@sweep/domain/SweepState"

/** `alone`: no coordinator is there to go on. */
export const howToGoOn = ({ id, spec }: SweepState, alone: boolean): string =>
  spec.trainer === "external" ? `; go on: sweep ask ${id}` : alone ? `; go on: sweep resume ${id}` : ""
