// What went wrong in other trackers and coordinators, and the tests that see to it that it does not here. Owns the table;
// faults.ts runs it together with the faults.
import type { TestRef } from "./faultList.ts"

export interface Lesson {
  /** The advisories it is from. */
  readonly from: string
  readonly lesson: string
  readonly tests: ReadonlyArray<TestRef>
}

const gate = "packages/cli/test/gate.test.ts"
const secured = "packages/cli/test/e2e/secured.test.ts"
const metrics = "packages/cli/test/metrics.test.ts"
const hostile = "packages/cli/test/e2e/hostile.test.ts"
const report = "reports/test/renderReport.test.ts"
const webPage: TestRef = [metrics, "are refused to what a web page could have asked"]

export const lessonList: ReadonlyArray<Lesson> = [
  {
    from: "Ray, CVE-2023-48022",
    lesson: "without authentication nothing is run, and nothing listens beyond loopback",
    tests: [
      [gate, "lets each role do what it may"],
      [gate, "turns away who has no token"],
      [secured, "refuses to start without certificates"],
    ],
  },
  { from: "Ray, CVE-2026-27482", lesson: "Host and Origin are checked on every method", tests: [webPage] },
  { from: "MLflow, CVE-2025-14279", lesson: "a name that was rebound to loopback is refused", tests: [webPage] },
  { from: "Aim, CVE-2024-7760", lesson: "no other origin may write", tests: [webPage] },
  {
    from: "MLflow, CVE-2023-1177, CVE-2024-1560, CVE-2025-11201",
    lesson: "no path leads out of its folder, however it is written",
    tests: [
      ["packages/domain/test/Artifact.test.ts", "the path of a file of a trial"],
      ["packages/cli/test/exportedFile.test.ts", ""],
    ],
  },
  {
    from: "Aim, CVE-2024-6396",
    lesson: "an id that becomes part of a path is refused unless it is one",
    tests: [
      ["packages/grpc/test/agentCodec.test.ts", "is refused: its name becomes part of paths"],
      ["packages/cli/test/e2e/badInput.test.ts", "a name that is a path"],
    ],
  },
  {
    from: "Aim, CVE-2024-2195, CVE-2025-5321",
    lesson: "a query is no program",
    tests: [
      ["packages/store/test/query.test.ts", "can change nothing and read nothing else"],
      ["packages/domain/test/Expression.test.ts", "never reaches the prototype of a scope"],
    ],
  },
  {
    from: "Aim, CVE-2025-51464",
    lesson: "names and logs run in no report and steer no terminal",
    tests: [
      [hostile, "steers no terminal, runs in no report"],
      [report, "keeps hostile text as text everywhere"],
      [report, "keeps data in its script"],
      [report, "allows exactly the script it carries"],
      ["packages/cli/test/terminal.test.ts", "keeps control characters from steering the terminal"],
    ],
  },
  {
    from: "ClearML, CVE-2024-24590; PyTorch, CVE-2025-32434",
    lesson: "weights are read from safetensors only",
    tests: [["agents/trainer/tests/test_failures.py", "test_an_incomplete_model"]],
  },
  {
    from: "MLflow, CVE-2025-11200",
    lesson: "tokens are generated, kept as hashes and can be revoked",
    tests: [
      ["packages/access/test/access.test.ts", "are kept as hashes"],
      [gate, "ends the session of an agent whose token is revoked"],
    ],
  },
  {
    from: "js-yaml, alias bombs",
    lesson: "a small file does not become a large one",
    tests: [
      ["packages/sweepfile/test/errors.test.ts", "does not parse a bomb of aliases"],
      ["packages/cli/test/e2e/badInput.test.ts", "an alias bomb"],
    ],
  },
  {
    from: "vLLM and ROCm, tokens in logs",
    lesson: "a secret is taken out by its value, wherever it stands",
    tests: [
      [hostile, "carries no secret out of the trainer"],
      ["packages/domain/test/Secrets.test.ts", "leaves none, wherever it stands"],
      ["agents/daemon/test/spool.test.ts", "so that a secret is whole or not there"],
    ],
  },
]
