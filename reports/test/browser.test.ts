// The report as a reader opens it: a file in a real browser. Charts are drawn, everything reacts, nothing is asked of any
// network, and it fits a phone. `REPORT_SHOTS=folder` keeps pictures of it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { renderReport } from "../src/renderReport.ts"
import { loadRuntime } from "../src/runtime.ts"
import { seriousProblems } from "./axe.ts"
import { launch } from "./chromium.ts"
import { fixture, quickstartTrials } from "./fixture.ts"

// A browser on a busy machine of two cores takes its time; these end what hangs.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })
const patience = 120_000

let browser: Browser
let folder: string
let report: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sweep-report-"))
  report = join(folder, "report.html")
  writeFileSync(report, await renderReport(fixture(), { runtime: await loadRuntime() }))
  browser = await launch()
})

afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Opened {
  readonly page: Page
  /** Console errors and warnings, exceptions, requests of anything but the file: none may happen. */
  readonly trouble: ReadonlyArray<string>
}

const open = async (file: string, options: BrowserContextOptions = {}): Promise<Opened> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const trouble: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(`console: ${message.text()}`)
  })
  page.on("pageerror", (error) => trouble.push(`exception: ${error.message}`))
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href && !request.url().startsWith("data:")) {
      trouble.push(`request: ${request.url()}`)
    }
  })
  await page.goto(pathToFileURL(file).href)
  return { page, trouble }
}

/** Live charts replace the pictures; this waits until every one has. */
const drawn = (page: Page) =>
  page.waitForFunction(() => {
    const boxes = [...document.querySelectorAll("[data-chart]")]
    return boxes.length > 0 && boxes.every((box) => box.querySelector(":scope > div > svg") !== null)
  })

const shot = async (page: Page, name: string): Promise<void> => {
  const into = process.env["REPORT_SHOTS"]
  if (into === undefined) return
  mkdirSync(into, { recursive: true })
  await page.screenshot({ path: join(into, `${name}.png`), fullPage: true })
}

const close = (page: Page) => page.context().close()

it("draws every chart, with no error and no request but the file", async () => {
  const { page, trouble } = await open(report)
  await drawn(page)
  const charts = await page.$$eval("[data-chart]", (boxes) =>
    boxes.map((box) => ({
      id: box.getAttribute("data-chart"),
      lines: box.querySelectorAll(".mark-line path").length,
      symbols: box.querySelectorAll(".mark-symbol path").length,
      cells: box.querySelectorAll(".mark-rect path").length,
    })),
  )
  const of = (id: string) => charts.find((chart) => chart.id === id)!
  // 14 trials, and the best one again.
  expect(of("objective").lines).toBe(14 + 1)
  expect(of("train").lines).toBe(14 + 1)
  // Of 13 trials with a result, in each of the drawings that dots make, and their best so far.
  for (const figure of await page.locator("#parameters .grid.small figure").all()) {
    expect(await figure.locator("[data-trial]").count()).toBe(13)
  }
  expect(await page.locator("#history .wide [data-trial]").count()).toBe(13)
  expect(await page.locator("#parallel svg path").count()).toBeGreaterThan(3)
  expect(of("heat-0").cells).toBeGreaterThan(5)
  expect(await page.locator("#diagnosis .card[data-trial='9'] polyline").count()).toBe(2)
  expect(await page.evaluate(() => document.documentElement.classList.contains("no-js"))).toBe(false)
  await shot(page, "light")
  expect(trouble).toEqual([])
  await close(page)
})

it("shows what is under the pointer and brings it out", async () => {
  const { page, trouble } = await open(report)
  await drawn(page)
  const chart = page.locator("#chart-objective")
  await chart.scrollIntoViewIfNeeded()
  // A point of a long line, and a little beside it: a pointer is not that exact.
  const at = await page.evaluate(() => {
    const paths = [...document.querySelectorAll<SVGPathElement>("#chart-objective .lines_marks path")]
    const path = paths.find((one) => one.getTotalLength() > 500)!
    const point = path.getPointAtLength(path.getTotalLength() * 0.8)
    const place = new DOMPoint(point.x, point.y).matrixTransform(path.getScreenCTM()!)
    return { x: place.x, y: place.y + 4 }
  })
  await page.mouse.move(at.x, at.y)
  const tooltip = page.locator("#tooltip")
  await tooltip.waitFor({ state: "visible" })
  expect(await tooltip.innerText()).toMatch(/Trial \d+[\s\S]*step[\s\S]*learning_rate/)
  const box = (await tooltip.boundingBox())!
  expect(box.x + box.width).toBeLessThanOrEqual(1280)
  // The others step back.
  expect(await page.locator("#chart-objective.focused .focused_marks path").count()).toBe(1)
  expect(
    await page
      .locator("#chart-objective .lines_marks")
      .first()
      .evaluate((lines) => getComputedStyle(lines).opacity),
  ).toBe("0.2")
  await page.mouse.click(at.x, at.y)
  await page.locator("tr.held").waitFor()
  await page.mouse.move(5, 5)
  await tooltip.waitFor({ state: "hidden" })
  await page.locator("[data-release]").click()
  expect(await page.locator("tr.held").count()).toBe(0)
  expect(trouble).toEqual([])
  await close(page)
})

it("zooms and comes back", async () => {
  const { page, trouble } = await open(report)
  await drawn(page)
  // Vega keeps texts in the order they came, not in the order they stand.
  const labels = (id: string) =>
    page.locator(`#chart-${id} .role-axis-label text`).evaluateAll((texts) =>
      texts
        .map((text) => text.textContent)
        .toSorted()
        .join(" "),
    )
  const [before, train] = [await labels("objective"), await labels("train")]
  await page.locator('[data-zoom="in"][data-for="objective"]').click()
  await expect.poll(() => labels("objective"), { timeout: patience }).not.toBe(before)
  // Curves over the same steps move together.
  await expect.poll(() => labels("train"), { timeout: patience }).not.toBe(train)
  await page.locator('[data-zoom="reset"][data-for="objective"]').click()
  await expect.poll(() => labels("objective"), { timeout: patience }).toBe(before)
  await expect.poll(() => labels("train"), { timeout: patience }).toBe(train)
  expect(trouble).toEqual([])
  await close(page)
})

it("sorts the leader board, hides a verdict and speaks Chinese", async () => {
  const { page, trouble } = await open(report)
  const trials = () =>
    page.$$eval("tbody tr[data-trial]", (rows) => rows.map((row) => Number(row.getAttribute("data-trial"))))
  expect((await trials())[0]).toBe(5)
  await page.locator("th button", { hasText: "Trial" }).click()
  expect(await trials()).toEqual(Array.from({ length: 14 }, (_, index) => index + 1))
  await page.locator("th button", { hasText: "Trial" }).click()
  expect(await trials()).toEqual(Array.from({ length: 14 }, (_, index) => 14 - index))
  await page.locator("th button", { hasText: "eval loss" }).first().click()
  expect((await trials())[0]).toBe(5)
  // Without a result: last, either way.
  expect((await trials()).at(-1)).toBe(10)
  await page.locator("th button", { hasText: "eval loss" }).first().click()
  expect((await trials()).at(-1)).toBe(10)

  await drawn(page)
  const lines = () => page.locator("#chart-objective .lines_marks path").count()
  expect(await lines()).toBe(14)
  await page.locator('[data-tone="overfitting"]').click()
  await expect.poll(lines, { timeout: patience }).toBe(10)

  expect(await page.locator("h2").first().innerText()).toContain("Trial 5 is best")
  await page.locator("[data-language]").click()
  expect(await page.locator("h2").first().innerText()).toContain("第 5 号试验最佳")
  expect(await page.locator("html").getAttribute("lang")).toBe("zh")
  await shot(page, "chinese")
  expect(trouble).toEqual([])
  await close(page)
})

it("fits a phone of 360 px, whatever the names", async () => {
  const long = "optimizer.adamw.second_moment_decay_beta2_of_all"
  const trials = quickstartTrials().map((trial, index) => ({
    ...trial,
    parameters: { ...trial.parameters, [long]: "x".repeat(60) + (index % 2) },
  }))
  const hard = join(folder, "long.html")
  writeFileSync(
    hard,
    await renderReport(fixture({ trials, spec: { name: "w".repeat(190) } }), { runtime: await loadRuntime() }),
  )
  for (const [name, file] of [
    ["phone", report],
    ["phone-long", hard],
  ] as const) {
    const { page, trouble } = await open(file, {
      viewport: { width: 360, height: 780 },
      isMobile: true,
      hasTouch: true,
    })
    await drawn(page)
    const widths = await page.evaluate(() => ({
      page: document.documentElement.scrollWidth,
      // Only what scrolls in a box of its own may be wider than the screen.
      wide: [...document.querySelectorAll("body *")]
        .filter(
          (element) =>
            element.getBoundingClientRect().right > 361 &&
            element.closest(".scroll, pre, svg, .pair, .reply .text") === null,
        )
        .map((element) => `${element.tagName}.${element.getAttribute("class") ?? ""}`),
    }))
    expect(widths).toEqual({ page: 360, wide: [] })
    await shot(page, name)
    expect(trouble).toEqual([])
    await close(page)
  }
})

it("is readable in the dark", async () => {
  const { page, trouble } = await open(report, { colorScheme: "dark" })
  await drawn(page)
  const contrasts = await page.evaluate(() => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!
    const luminance = (colour: string): number => {
      context.fillStyle = colour
      context.fillRect(0, 0, 1, 1)
      const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => {
        const share = value / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
    }
    const paper = luminance(getComputedStyle(document.body).backgroundColor)
    const contrast = (colour: string) => {
      const [low, high] = [paper, luminance(colour)].toSorted((a, b) => a - b)
      return (high! + 0.05) / (low! + 0.05)
    }
    const of = (selector: string, property: "color" | "fill" | "stroke") =>
      contrast(getComputedStyle(document.querySelector(selector)!)[property])
    return {
      paper,
      text: of("body", "color"),
      lead: of(".lead", "color"),
      healthy: of(".badge.healthy", "color"),
      overfitting: of(".badge.overfitting", "color"),
      axis: of("#chart-objective .role-axis-label text", "fill"),
      line: of("#chart-objective .leader_marks path", "stroke"),
    }
  })
  expect(contrasts.paper).toBeLessThan(0.02)
  for (const [what, contrast] of Object.entries(contrasts)) {
    if (what !== "paper") expect(contrast, what).toBeGreaterThan(4.5)
  }
  await shot(page, "dark")
  expect(trouble).toEqual([])
  await close(page)
})

it("shows pictures and the whole text without scripts, and prints", async () => {
  const { page, trouble } = await open(report, { javaScriptEnabled: false })
  expect(await page.locator("[data-chart] > svg").count()).toBe(3)
  expect(await page.locator(".js:visible").count()).toBe(0)
  expect(await page.locator("tbody tr[data-trial]").count()).toBe(14)
  await close(page)
  const printed = await open(report)
  await drawn(printed.page)
  const pdf = await printed.page.pdf({ format: "A4" })
  expect(pdf.subarray(0, 5).toString()).toBe("%PDF-")
  const into = process.env["REPORT_SHOTS"]
  if (into !== undefined) writeFileSync(join(into, "print.pdf"), pdf)
  expect([...trouble, ...printed.trouble]).toEqual([])
  await close(printed.page)
})

it.each([
  ["wide, light, English", { viewport: { width: 1280, height: 900 }, colorScheme: "light", locale: "en-GB" }],
  ["narrow, dark, Chinese", { viewport: { width: 390, height: 800 }, colorScheme: "dark", locale: "zh-CN" }],
] as const)("has nothing serious against it for a keyboard or a screen reader: %s", async (_, options) => {
  const { page, trouble } = await open(report, options)
  await drawn(page)
  expect(await seriousProblems(page)).toEqual([])
  // Every picture says what it shows, in the language that is chosen.
  const said = await page.$$eval("[role=img]", (pictures) =>
    pictures.map((one) => one.getAttribute("aria-label") ?? ""),
  )
  expect(said.length).toBeGreaterThan(8)
  for (const text of said)
    expect(text).toMatch(options.locale === "zh-CN" ? /[\u4e00-\u9fff]/ : /^[^\u4e00-\u9fff]{10,}$/)
  expect(trouble).toEqual([])
  await close(page)
})

it("lists of thousands of trials what a reader can look at, and stays light", async () => {
  const random = quickstartTrials(3)
  const trials = Array.from({ length: 1_200 }, (_, index) => {
    const one = random[index % random.length]!
    return { ...one, parameters: { ...one.parameters, learning_rate: 1e-5 * 1.005 ** index } }
  })
  const page = await renderReport(fixture({ trials, pointsPerEpoch: 6 }), { runtime: "0" })
  expect(page.length).toBeLessThan(5_000_000)
  expect(page.match(/<tr data-trial/g)!.length).toBe(500)
  expect(page).toContain("The 500 best of 1200 trials are listed")
})

it("stays whole with 120 trials, with none, and with failures alone", async () => {
  const random = quickstartTrials(3)
  const many = Array.from({ length: 120 }, (_, index) => {
    const one = random[index % random.length]!
    return { ...one, parameters: { ...one.parameters, learning_rate: 1e-4 * 1.03 ** index } }
  })
  const failed = { parameters: { rank: 8 }, end: "failed" as const }
  for (const [name, options] of [
    ["many", { trials: many, pointsPerEpoch: 50 }],
    ["none", { trials: [] }],
    ["failed", { trials: [failed, failed] }],
  ] as const) {
    const file = join(folder, `${name}.html`)
    writeFileSync(file, await renderReport(fixture(options), { runtime: await loadRuntime() }))
    const { page, trouble } = await open(file)
    if (name !== "none") await drawn(page)
    await shot(page, name)
    expect(trouble, name).toEqual([])
    await close(page)
  }
})
