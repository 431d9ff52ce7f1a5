// The versions of the database file, oldest first. A file is brought to the newest by running what it lacks, in one
// transaction each; there is no way back, and a released entry never changes.
import { journal } from "./migrations/0001-journal.ts"
import { store } from "./migrations/0002-store.ts"
import { factVersionTable } from "./migrations/0003-fact-version.ts"

export const migrations: ReadonlyArray<{ readonly version: number; readonly sql: string }> = [
  { version: 1, sql: journal },
  { version: 2, sql: store },
  { version: 3, sql: factVersionTable },
]

export const newestVersion = migrations.at(-1)!.version
