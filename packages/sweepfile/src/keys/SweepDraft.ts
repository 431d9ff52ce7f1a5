// What the file alone decides of a sweep, and the paths it gives, which `resolveSweep` follows.
import type * as Schema from "effect/Schema"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { Field } from "../parse/Field.ts"
import type { ReadSpace } from "./readSpace.ts"
import type { GivenTaskMetrics } from "./readTaskMetrics.ts"

/** A path as the file gives it, with where it stands. */
export interface Given {
  readonly value: string
  readonly field: Field
}

/** What the file alone decides. */
export type SweepDraft = Pick<
  typeof SweepSpec.Type,
  | "name"
  | "description"
  | "trainer"
  | "command"
  | "metric"
  | "metrics"
  | "outcomes"
  | "method"
  | "methodBecause"
  | "space"
  | "groups"
  | "seed"
  | "replicas"
  | "earlyTerminate"
  | "overfitting"
  | "budget"
  | "resources"
  | "probes"
  | "artifacts"
  | "secrets"
  | "enqueue"
  | "warmStart"
  | "reuse"
  | "structured"
  | "standIns"
  | "metricsFrom"
>

export interface ReadSweep {
  readonly draft: SweepDraft
  readonly model: Given | null
  readonly data: {
    readonly train: Given
    readonly eval: Given | { readonly fraction: number; readonly seed: number }
  } | null
  readonly program: Given | null
  /** The folder that is sent to agents; `"none"`: nothing is, `null`: the program says it. */
  readonly sourceFolder: Given | "none" | null
  readonly taskMetrics: GivenTaskMetrics | null
  /** For `trainer: llamafactory`: the configuration's file, and what of one stands in the sweep file itself. */
  readonly llamafactory: { readonly base: Given | null; readonly inline: Readonly<Record<string, Schema.Json>> } | null
  readonly read: ReadSpace
}
