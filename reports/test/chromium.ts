// The browser the tests look at the report with: Debian's Chromium, or the one CHROMIUM_PATH names. A test that needs it
// fails without it, and says what to do.
import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"

export type { Browser, BrowserContextOptions, Page } from "playwright-core"

const usual = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/opt/google/chrome/chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]

const find = (): string => {
  const named = process.env["CHROMIUM_PATH"]
  if (named !== undefined && named !== "") {
    if (existsSync(named)) return named
    throw new Error(`CHROMIUM_PATH names ${named}, which does not exist.`)
  }
  const found = usual.find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new Error(
    "The report's browser test needs Chromium and found none. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.",
  )
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: find(),
    headless: true,
    args: [
      // As root, and in containers, Chromium has no sandbox of its own.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  })
