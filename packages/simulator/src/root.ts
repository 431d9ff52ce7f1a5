// Where the repository is: suites start its programs and tests.
import { join } from "node:path"

export const root = join(import.meta.dirname, "../../..")
