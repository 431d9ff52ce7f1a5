// What an agent offers: devices and the slots on them. Owns the description only; finding them is the agent's work.
import * as Schema from "effect/Schema"

export class Device extends Schema.Class<Device>("Device")({
  kind: Schema.Literals(["cpu", "cuda"]),
  /** As the driver counts them; 0 for the CPU. */
  index: Schema.Int,
  name: Schema.String,
  memoryBytes: Schema.Finite,
  /** CPU threads a trial on this device may use. */
  threads: Schema.Int,
  /** What CUDA is to be shown, where the host's owner named cards by UUID: a card's or that of a MIG instance. */
  visibleAs: Schema.optionalKey(Schema.String),
}) {}

/** A place for one trial at a time. */
export class Slot extends Schema.Class<Slot>("Slot")({
  index: Schema.Int,
  devices: Schema.NonEmptyArray(Device),
}) {}
