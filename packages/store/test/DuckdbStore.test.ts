import { layer } from "../src/duckdb/DuckdbStore.ts"
import { storeContract } from "./storeContract.ts"
import { freshDirectory } from "./directory.ts"

storeContract("the DuckDB layer", () => layer({ directory: freshDirectory() }))
