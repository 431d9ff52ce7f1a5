// The page in a real browser, served over a sweep whose user and trainer wrote markup wherever they could: everything is text,
// every view is in order for those who use a keyboard or a screen reader, in both languages, light and dark, wide and narrow.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it } from "vitest"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import type { Fact } from "@sweep/domain/Fact"
import { TrialNumber } from "@sweep/domain/Id"
import { foldFacts } from "@sweep/domain/SweepState"
import { sampled } from "@sweep/domain/Origin"
import { said } from "@sweep/domain/Reason"
import { Audit } from "@sweep/protocol/Audit"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { seriousProblems } from "../../../reports/test/axe.ts"
import { type Browser, type BrowserContextOptions, launch, type Page } from "../../../reports/test/chromium.ts"
import { servePage } from "../src/web/servePage.ts"
import { exampleFacts, sweep } from "./exampleView.ts"

const markup = `<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>`
const more = Array.from({ length: 12 }, (_, i): ReadonlyArray<Fact> => {
  const trial = TrialNumber.make(10 + i)
  return [
    {
      _tag: "TrialCreated",
      at: 0,
      sweep,
      trial,
      parameters: { rank: 2 ** (1 + (i % 4)), learning_rate: 1e-4 * (i + 1), note: i % 2 === 0 ? markup : "plain" },
      seed: 7,
      revision: 1,
      origin: sampled,
    },
    {
      _tag: "TrialStopped",
      at: 60_000 * (i + 1),
      sweep,
      trial,
      reason: said(markup),
      objective: 1.5 + i / 10,
      values: { "eval/loss": 1.5, [markup]: 1 },
    },
  ]
}).flat()
const facts = exampleFacts.map((fact) =>
  fact._tag === "SweepSubmitted" ? { ...fact, spec: exampleSpec({ name: markup, description: markup }) } : fact,
)
const state = foldFacts([...facts, ...more]).get(sweep)!
const curve = (trial: number) => ({
  trial: TrialNumber.make(trial),
  metric: "eval/loss",
  points: Array.from({ length: 30 }, (_, step) => ({ step, value: 1 + 1 / (1 + step) + trial / 100 })),
})
const api = {
  status: Effect.succeed({ version: "1", pid: 1, home: "/", agents: [] }),
  list: Effect.succeed([state]),
  get: () => Effect.succeed(state),
  watch: () => Stream.never,
  results: () =>
    Effect.succeed({
      sweep: state,
      curves: Array.from(state.trials.keys(), curve),
      details: [
        {
          trial: TrialNumber.make(2),
          samples: [{ type: "sample", seq: 1, at: "", probe: 0, prompt: markup, answer: markup }],
        },
      ],
      attempts: [],
      at: 0,
    }),
  artifacts: () => Effect.succeed([]),
  logs: () => Stream.succeed(markup),
  query: () => Effect.succeed({ columns: [], rows: [] }),
} as unknown as SweepApi["Service"]

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

const served = (use: (address: string) => Promise<void>) =>
  Effect.runPromise(
    servePage({ host: "127.0.0.1", port: 0 }).pipe(
      Effect.flatMap((address) => Effect.promise(() => use(address))),
      Effect.scoped,
      Effect.provide(Layer.succeed(SweepApi, api)),
      Effect.provideService(Audit, { record: () => undefined }),
    ),
  )

const opened = async (options: BrowserContextOptions) => {
  const page = await (await browser.newContext(options)).newPage()
  const problems: Array<string> = []
  page.on("pageerror", (error) => problems.push(String(error)))
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()))
  return { page, problems }
}

/** Each with what is there once it has been drawn. */
const views = {
  "#/": ".cards h2",
  "#/hosts": ".start",
  [`#/s/${sweep}`]: "#board tbody tr",
  [`#/s/${sweep}/t/2`]: "#samples .text",
  [`#/s/${sweep}/compare/1,2,12`]: "table.compare tbody tr",
}
const show = async (page: Page, address: string, [hash, drawn]: readonly [string, string]) => {
  await page.goto(`${address}${hash}`)
  await page.locator(drawn).first().waitFor()
  // Curves come after the rest.
  await expect
    .poll(() =>
      page.evaluate("document.querySelectorAll('.plot').length === document.querySelectorAll('canvas').length"),
    )
    .toBe(true)
}

const modes = [
  ["wide, light, English", { viewport: { width: 1300, height: 900 }, colorScheme: "light", locale: "en-US" }],
  ["narrow, dark, Chinese", { viewport: { width: 390, height: 800 }, colorScheme: "dark", locale: "zh-CN" }],
] as const

it.each(modes)("every view holds text only and nothing serious against it: %s", (_, options) =>
  served(async (address) => {
    const { page, problems } = await opened(options)
    for (const view of Object.entries(views)) {
      await show(page, address, view)
      expect(await seriousProblems(page), view[0]).toEqual([])
      expect(await page.evaluate("document.querySelectorAll('img, body script').length")).toBe(0)
      expect(await page.evaluate("globalThis.hacked")).toBeUndefined()
      const width = await page.evaluate<number>("document.documentElement.scrollWidth")
      expect(width, `${view[0]} is no wider than the screen`).toBeLessThanOrEqual(options.viewport.width)
    }
    expect(problems).toEqual([])
    await page.context().close()
  }),
)

it("filters everything by a brush, by words, and compares what is ticked, all of it by the keyboard but the brush", () =>
  served(async (address) => {
    const { page, problems } = await opened({ viewport: { width: 1300, height: 1000 }, locale: "en-US" })
    await show(page, address, [`#/s/${sweep}`, "#board tbody tr"])
    const rows = page.locator("#board tbody tr")
    const all = await rows.count()
    expect(all).toBeGreaterThan(10)

    const axis = page.locator("#parallel svg .axis").last()
    await axis.scrollIntoViewIfNeeded()
    const box = (await axis.boundingBox())!
    await page.mouse.move(box.x + 9, box.y + box.height - 2)
    await page.mouse.down()
    await page.mouse.move(box.x + 9, box.y + 0.6 * box.height)
    await page.mouse.up()
    await expect.poll(() => rows.count()).toBeLessThan(all)
    expect(await page.locator("#history circle[fill-opacity='0.14']").count()).toBeGreaterThan(0)
    await page.getByRole("button", { name: "Release all" }).press("Enter")
    await expect.poll(() => rows.count()).toBe(all)

    await page.getByRole("searchbox").fill("learning_rate<0.0004")
    await expect.poll(() => rows.count()).toBe(3)
    await page.getByRole("searchbox").fill("")
    for (const trial of [10, 11]) await page.getByRole("checkbox", { name: `Compare #${trial}` }).press("Space")
    await page.getByRole("link", { name: "Compare 2" }).press("Enter")
    await page.locator("table.compare").waitFor()
    expect(await page.locator("table.compare thead th").allTextContents()).toEqual([" #10", " #11"])
    expect(problems).toEqual([])
    await page.context().close()
  }))
