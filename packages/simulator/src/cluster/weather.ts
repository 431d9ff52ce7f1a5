// What goes wrong in a simulated world, and when: drawn from the seed before the run, so that it can be read, and left
// out piece by piece to find what a failure needs. Owns the choice; the world carries it out.
import type { Random } from "@sweep/search/Random"

export type Fault =
  /** `millis`: until it is started again. */
  | { readonly _tag: "KillCoordinator" | "KillAgent" | "PreemptAgent"; readonly millis: number; readonly host: number }
  | { readonly _tag: "FreezeCoordinator" | "FreezeAgent"; readonly millis: number; readonly host: number }
  | { readonly _tag: "KillTrainer" | "TerminateTrainer" | "DrainAgent"; readonly host: number }
  | { readonly _tag: "Cut"; readonly host: number; readonly direction: "up" | "down" | "both"; readonly millis: number }
  | { readonly _tag: "Slow" | "FullDisk"; readonly millis: number }
  /** A wall clock is set. */
  | { readonly _tag: "SetClock"; readonly host: number | null; readonly millis: number }
  | { readonly _tag: "Control"; readonly action: "stop" | "pause" | "resume"; readonly trial: number | null }

export interface Happening {
  readonly at: number
  readonly fault: Fault
}

/** Seconds that a fault lasts: mostly short, sometimes longer than `lease` milliseconds. */
const duration = (chance: Random, lease: number): number => {
  const draw = chance.uniform()
  if (draw < 0.4) return 100 + chance.uniform() * 3_000
  if (draw < 0.65) return 1_000 + chance.uniform() * lease * 0.8
  return lease * (1 + 2 * chance.uniform())
}

/** `lease` and `lasts` in milliseconds: after `lasts` nothing new goes wrong. */
export const weatherOf = (
  chance: Random,
  options: { hosts: number; lease: number; lasts: number },
): Array<Happening> => {
  const { hosts, lease, lasts } = options
  const happenings: Array<Happening> = []
  // Fair days and foul ones.
  const count = chance.index(4) === 0 ? chance.index(3) : 3 + chance.index(15)
  for (let i = 0; i < count; i++) {
    const host = chance.index(hosts)
    const millis = duration(chance, lease)
    const draw = chance.uniform()
    const direction = (["up", "down", "both"] as const)[chance.index(3)]!
    const hour = 3_600_000 * (chance.index(2) === 0 ? 1 : -1)
    const who = chance.index(hosts + 1)
    const action = (["stop", "pause", "resume", "pause", "resume"] as const)[chance.index(5)]!
    const trial = chance.index(3) === 0 ? null : 1 + chance.index(4)
    const fault: Fault =
      draw < 0.16
        ? { _tag: "KillCoordinator", millis: Math.min(millis, lease * 0.9), host }
        : draw < 0.32
          ? { _tag: "KillAgent", millis, host }
          : draw < 0.4
            ? { _tag: "KillTrainer", host }
            : draw < 0.44
              ? { _tag: "TerminateTrainer", host }
              : draw < 0.64
                ? { _tag: "Cut", host, direction, millis }
                : draw < 0.72
                  ? { _tag: "FreezeAgent", millis, host }
                  : draw < 0.76
                    ? { _tag: "FreezeCoordinator", millis: millis / 2, host }
                    : draw < 0.82
                      ? { _tag: "Slow", millis }
                      : draw < 0.86
                        ? { _tag: "FullDisk", millis: millis / 2 }
                        : draw < 0.91
                          ? { _tag: "SetClock", host: who === hosts ? null : who, millis: hour }
                          : draw < 0.93
                            ? { _tag: "DrainAgent", host }
                            : draw < 0.95
                              ? { _tag: "PreemptAgent", millis, host }
                              : { _tag: "Control", action, trial }
    happenings.push({ at: chance.uniform() * lasts, fault })
  }
  return happenings.sort((a, b) => a.at - b.at)
}
