import { expect, it } from "vitest"
import { exportedFile } from "../src/results/exportedFile.ts"

it("an export is written into its directory, whatever a coordinator calls its files", () => {
  expect(exportedFile("/out", "trials.parquet")).toBe("/out/trials.parquet")
  for (const name of [
    "",
    ".",
    "..",
    "../x.parquet",
    "/etc/x.parquet",
    "a/b.parquet",
    "a\\b.parquet",
    "..\\x.parquet",
    "%2e%2e%2fx.parquet",
    "a.parquet\0",
    "a.parquet\n",
    ".bashrc",
    "a;b.parquet",
    `${"a".repeat(65)}.parquet`,
  ]) {
    expect(exportedFile("/out", name), JSON.stringify(name)).toBeUndefined()
  }
})
