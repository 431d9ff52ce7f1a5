// What every sampler promises beside staying in its space: the same answers after a restart, different trials for
// parallel askers, an eye on failures, and learning.
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import { describe, expect, it } from "vitest"
import type { History, Observation } from "../src/space/History.ts"
import { random } from "../src/numerics/Random.ts"
import type { Sampler } from "../src/samplers/Sampler.ts"
import { samplers } from "../src/samplers/samplerFor.ts"
import { completed, failed, infeasible, int, list, log, maximize, minimize, open, space, uniform } from "./space.ts"

const definition = space(
  {
    variant: list("lora", "dora", "oft"),
    rank: { ...list(4, 8, 16, 32), when: "variant != 'oft'" },
    learning_rate: log(1e-5, 1e-1),
    epochs: int(1, 8),
    dropout: uniform(0, 0.4),
  },
  { derive: { alpha: "2 * rank" }, constraints: ["epochs * dropout < 3"] },
)

/** Best at 1e-3, dora, rank 16, epochs 4, dropout 0.1. */
const loss = (p: Parameters): number =>
  (Math.log10(p["learning_rate"] as number) + 3) ** 2 +
  { lora: 0.2, dora: 0, oft: 0.5 }[p["variant"] as "lora"] +
  0.1 * Math.abs(Math.log2((p["rank"] as number | undefined) ?? 4) - 4) +
  0.1 * ((p["epochs"] as number) - 4) ** 2 +
  4 * ((p["dropout"] as number) - 0.1) ** 2

const make = (method: keyof typeof samplers, metric = minimize): Sampler =>
  samplers[method]({ space: definition, metric, seed: 5 })

const next = (sampler: Sampler, history: History, number = history.length + 1): Parameters => {
  const suggestion = sampler.suggest(history, number)
  if (suggestion._tag !== "Suggested") throw new Error(suggestion._tag)
  return suggestion.parameters
}

/** `n` trials, four at a time, coming back out of order, one in `failing` failing. */
const run = (
  sampler: Sampler,
  n: number,
  { of = loss, failing = 9 }: { readonly of?: (p: Parameters) => number; readonly failing?: number } = {},
): Array<Observation> => {
  const history: Array<Observation> = []
  const from = random(9, 0, "order")
  while (history.length < n || history.some(({ outcome }) => outcome === "open")) {
    const running = history.filter(({ outcome }) => outcome === "open")
    if (running.length < 4 && history.length < n) {
      history.push(open(history.length + 1, next(sampler, history)))
      continue
    }
    const { number, parameters } = running[from.index(running.length)]!
    history[number - 1] =
      number % failing === 0 ? failed(number, parameters) : completed(number, parameters, of(parameters))
  }
  return history
}

const methods = ["random", "sobol", "tpe", "gp", "cmaes", "nsga2", "ehvi"] as const

describe.each(methods)("%s", (method) => {
  it("gives 64 parallel askers 64 different trials, early and late", () => {
    const sampler = make(method)
    for (const before of [0, 30]) {
      const history = run(make("random"), before)
      const texts = new Set(history.map(({ parameters }) => canonicalText(parameters)))
      for (let i = 0; i < 64; i++) {
        const parameters = next(sampler, history)
        texts.add(canonicalText(parameters))
        history.push(open(history.length + 1, parameters))
      }
      expect(texts.size).toBe(before + 64)
    }
  })

  it("ends when a small space has been tried", () => {
    const small = space({ a: list(1, 2, 3), b: list("x", "y") }, { constraints: ["a < 3 || b == 'x'"] })
    const sampler = samplers[method]({ space: small, metric: minimize, seed: 1 })
    const history: Array<Observation> = []
    for (let i = 1; i <= 5; i++) history.push(completed(i, next(sampler, history), i))
    expect(sampler.suggest(history, 6)).toEqual({ _tag: "Exhausted" })
  })

  it("survives a history of failures alone", () => {
    const history: Array<Observation> = []
    for (let i = 1; i <= 40; i++) history.push(failed(i, next(make(method), history)))
  })

  it("takes values beyond the space, unknown ones and missing ones in its stride", () => {
    const history = run(make("random"), 20)
    const odd: Parameters = { variant: "pissa", learning_rate: 10, epochs: 99, dropout: -1 }
    history.push(completed(21, odd, 0.01), completed(22, {}, 0.02))
    next(make(method), history)
  })
})

// Every trial, and for the Gaussian process, whose first answer costs a fit, every eleventh.
describe.each(["tpe", "gp", "cmaes", "nsga2", "ehvi"] as const)("%s after a restart", (method) => {
  it("in a sweep of 200 gives the same remaining suggestions", { timeout: 600_000 }, () => {
    const sampler = make(method)
    // The record of a sweep: what the history was at every ask, and the answer.
    const asks: Array<{ readonly history: History; readonly answer: string }> = []
    const recording: Sampler = {
      size: null,
      suggest: (history, number) => {
        const suggestion = sampler.suggest(history, number)
        asks.push({ history: [...history], answer: JSON.stringify(suggestion) })
        return suggestion
      },
    }
    run(recording, 200)
    expect(asks).toHaveLength(200)
    // A new instance at a trial answers that ask, and the next (with what it has cached by then), as before.
    const stride = method === "gp" ? 11 : method === "ehvi" ? 23 : 1
    for (let at = 0; at < 199; at += stride) {
      const restarted = make(method)
      for (const i of [at, at + 1]) {
        const { history, answer } = asks[i]!
        expect(JSON.stringify(restarted.suggest(history, history.length + 1)), `ask ${i + 1} after ${at}`).toBe(answer)
      }
    }
    // And one instance asked backwards, so that no cache ever fits.
    const backwards = make(method)
    for (let at = 199; at > 100; at -= 9) {
      const { history, answer } = asks[at]!
      expect(JSON.stringify(backwards.suggest(history, history.length + 1))).toBe(answer)
    }
  })
})

describe.each([
  ["tpe", 60],
  ["gp", 45],
  ["cmaes", 90],
  ["nsga2", 90],
] as const)("%s", (method, n) => {
  const best = (history: History) => Math.min(...history.flatMap(({ objective }) => objective ?? []))

  it("finds better trials than random search with as many", () => {
    const mean = (of: keyof typeof samplers) => {
      let sum = 0
      for (let seed = 1; seed <= 4; seed++) {
        const sampler = samplers[of]({ space: definition, metric: minimize, seed })
        sum += best(run(sampler, n, { failing: Infinity }))
      }
      return sum / 4
    }
    expect(mean(method)).toBeLessThan(0.75 * mean("random"))
  })

  it("maximizes as well as it minimizes", () => {
    const down = run(make(method), 40).map(({ parameters }) => parameters)
    const up = run(make(method, maximize), 40, { of: (p) => -loss(p) }).map(({ parameters }) => parameters)
    expect(up).toEqual(down)
  })

  it("stays away from where trials fail", () => {
    // Everything above 1e-2 diverges; below it, the higher the better.
    const history: Array<Observation> = []
    const sampler = make(method)
    for (let number = 1; number <= 60; number++) {
      const parameters = next(sampler, history)
      const lr = parameters["learning_rate"] as number
      history.push(lr > 1e-2 ? failed(number, parameters) : completed(number, parameters, -Math.log10(lr)))
    }
    const late = history.slice(20)
    // By chance a quarter of all trials would fail.
    expect(late.filter(({ outcome }) => outcome === "failed").length / late.length).toBeLessThan(0.5)
    expect(best(history)).toBeLessThan(2.3)
  })

  it("learns what does not fit as a constraint: it stays inside, and close to the border where the best is", () => {
    // The higher the better, and everything above 1e-2 needs more memory than there is.
    const history: Array<Observation> = []
    const sampler = make(method)
    for (let number = 1; number <= 60; number++) {
      const parameters = next(sampler, history)
      const lr = parameters["learning_rate"] as number
      history.push(lr > 1e-2 ? infeasible(number, parameters) : completed(number, parameters, -Math.log10(lr)))
    }
    // The best is at the border, where half of them do not fit. Without the constraint all would be far beyond it.
    const beyond = history.slice(20).filter(({ parameters }) => (parameters["learning_rate"] as number) > 1.2e-2)
    expect(beyond.length / 40).toBeLessThan(0.35)
    expect(best(history)).toBeLessThan(2.2)
  })
})
