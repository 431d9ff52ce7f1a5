// The version, which the bundle has from package.json; when the sources run it is read from there.
import { readFileSync } from "node:fs"

export const version: string =
  process.env.SWEEP_VERSION ??
  (JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string }).version
