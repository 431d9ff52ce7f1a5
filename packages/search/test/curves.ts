// Short ways to write reported curves in tests.
import type { Parameters } from "@sweep/domain/Parameter"
import type { History } from "../src/space/History.ts"
import type { Curves, Report, Stopper } from "../src/stopping/Stopper.ts"
import { open } from "./space.ts"

/** One report an epoch, from epoch 1; ten steps and 60 seconds each. */
export const curve = (trial: number, ...values: ReadonlyArray<number>): ReadonlyArray<Report> =>
  values.map((value, i) => ({ trial, step: 10 * (i + 1), epoch: i + 1, seconds: 60 * (i + 1), value }))

export const curvesOf = (...all: ReadonlyArray<ReadonlyArray<Report>>): Curves =>
  new Map(all.map((reports) => [reports[0]!.trial, reports]))

export const running = (curves: Curves, parameters: (trial: number) => Parameters = () => ({})): History =>
  Array.from(curves.keys(), (trial) => open(trial, parameters(trial)))

/** What becomes of each trial at its last report. */
export const verdicts = (stopper: Stopper, curves: Curves): Record<number, string> =>
  Object.fromEntries(
    Array.from(curves, ([trial, reports]) => [trial, stopper.decide(running(curves), curves, reports.at(-1)!)._tag]),
  )

/** What becomes of each trial when every report of it has been judged, in order: the first decision that is not to continue. */
export const verdictsOnTheWay = (stopper: Stopper, curves: Curves): Record<number, string> =>
  Object.fromEntries(
    Array.from(curves, ([trial, reports]) => [
      trial,
      reports
        .map((report) => stopper.decide(running(curves), curves, report)._tag)
        .find((decision) => decision !== "Continue") ?? "Continue",
    ]),
  )
