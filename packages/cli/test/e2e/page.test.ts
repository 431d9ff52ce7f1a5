// The page with everything real: a coordinator that is killed and started again, an agent, a program that trains, Chromium.
import { createServer } from "node:net"
import { expect, it, onTestFinished } from "vitest"
import { launch } from "../../../../reports/test/chromium.ts"
import { lastJson, Workplace } from "./harness.ts"

const program = `
import json, time
for step in range(1, 400):
    with open("events.jsonl", "a") as file:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        file.write(json.dumps({"seq": step, "at": at, "type": "metrics", "step": step, "values": {"loss": 1 / step}}) + "\\n")
    time.sleep(0.2)
`

/** A port that is free now: the restarted coordinator has to come back to the same one. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

it("shows a running sweep, survives its coordinator's kill, and stops the sweep", { timeout: 300_000 }, async () => {
  const place = new Workplace()
  place.write("train.py", program)
  const [port, webPort] = [await freePort(), await freePort()]
  const address = `127.0.0.1:${port}`
  const ports = ["--port", String(port), "--web-port", String(webPort)]
  const served = new RegExp(`http://127\\.0\\.0\\.1:${webPort}`)
  const first = place.start(["serve", ...ports])
  await first.until(served)
  await place.agent(address, "trains", ["--slots", "1", "--allow-commands"])
  const file = place.write(
    "sweep.yaml",
    `name: watched\ntrainer: command\ncommand: [python3, ${place.directory}/train.py]\nmetric: {name: loss, goal: minimize}\nmethod: grid\nparameters: {x: {values: [1, 2]}}\n`,
  )
  const submitted = await place.run(["run", file, "--coordinator", address, "--detach"])
  expect(submitted.code, submitted.stderr).toBe(0)

  const browser = await launch()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const problems: Array<string> = []
  page.on("pageerror", (error) => problems.push(String(error)))
  await page.goto(`http://127.0.0.1:${webPort}/`)
  await page.getByText("watched").first().click()
  await page
    .getByText(/running/i)
    .first()
    .waitFor()
  await page.locator("canvas:visible").first().waitFor()

  // The agent trains on while nobody listens; the page comes back by itself.
  await page.evaluate(() => Object.assign(globalThis, { loadedOnce: true }))
  first.kill("SIGKILL")
  await first.done
  const second = place.start(["serve", ...ports])
  await second.until(served)

  await page.getByRole("button", { name: /^stop/i }).first().click()
  await page
    .getByRole("dialog")
    .getByText(/^sweep stop watched$/)
    .waitFor()
  await page.getByRole("dialog").getByRole("button", { name: /^stop/i }).click()
  await page
    .getByText(/stopped/i)
    .first()
    .waitFor({ timeout: 120_000 })
  expect(await page.evaluate(() => (globalThis as { loadedOnce?: boolean }).loadedOnce)).toBe(true)
  const shown = lastJson((await place.run(["show", "watched", "--json", "--coordinator", address])).stdout)
  expect(shown.status).toBe("stopped")
  expect(problems).toEqual([])
})
