import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layer } from "../src/DuckdbStore.ts"
import { storeContract } from "@sweep/testing/storeContract"

storeContract("the DuckDB layer", () => layer({ directory: mkdtempSync(join(tmpdir(), "sweep-store-")) }))
