import { layer } from "../src/DuckdbStore.ts"
import { storeContract } from "@sweep/testing/storeContract"
import { freshDirectory } from "./directory.ts"

storeContract("the DuckDB layer", () => layer({ directory: freshDirectory() }))
