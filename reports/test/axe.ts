// What axe (https://github.com/dequelabs/axe-core) finds wrong with a page that a browser shows. It runs from outside of the
// page, whose own policy allows no script but its own.
import axe from "axe-core"
import type { Page } from "playwright-core"

interface Found {
  readonly violations: ReadonlyArray<{
    readonly id: string
    readonly impact: string | null
    readonly help: string
    readonly nodes: ReadonlyArray<{ readonly html: string }>
  }>
}

/** One line per rule that is broken with an impact of `serious` or `critical`. */
export const seriousProblems = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as Found
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes
          .slice(0, 3)
          .map(({ html }) => html.slice(0, 200))
          .join(" ")}`,
    )
}
