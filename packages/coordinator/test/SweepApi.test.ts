import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Layer from "effect/Layer"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import { sweepApiContract } from "@sweep/protocol/sweepApiContract"
import { coordinator, overGrpc } from "./harness.ts"

const onDisk = () =>
  coordinator().pipe(Layer.provide(duckdb({ directory: mkdtempSync(join(tmpdir(), "sweep-coordinator-")) })))

sweepApiContract("in the process", onDisk)
sweepApiContract("over gRPC", () => overGrpc(onDisk()))
