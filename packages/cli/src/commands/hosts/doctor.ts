// `sweep doctor`: whether the database of this state directory is whole, and mending it. What is looked at and done is the
// store's; this renders it.
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { Checked, Finding, Repaired } from "@sweep/store/doctor"
import { stateFailure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { print, printJson } from "../../output.ts"
import { home, readNote } from "../../serving/home.ts"

const described = (finding: Finding): string => {
  switch (finding.code) {
    case "no-database":
      return "there is no database yet"
    case "unmarked":
      return "it is of a sweep before durable marks: the next command that opens it writes one"
    case "refused":
      return finding.message
    case "flipped-bit":
      return `one bit of the write-ahead log is flipped: bit ${finding.bit} of byte ${finding.byte}. Flipping it back mends it; nothing is lost`
    case "unreadable":
      return `the table ${finding.table} cannot be read whole: ${finding.message}`
    case "below-mark":
      return `it has less than was acknowledged: ${finding.missing.join(", ")}`
  }
}

const outcomes: Readonly<Record<Repaired["done"], string>> = {
  nothing: "nothing to repair",
  "bit-flipped-back": "repaired: the flipped bit is flipped back, and nothing acknowledged is lost",
  "mark-renewed": "repaired: the durable mark is renewed from what the database has",
  "saved-what-is-readable": "repaired: what can be read is in a new database",
  impossible: "cannot be repaired. Put the last backup back: sweep restore FILE --replace",
}

const lines = (checked: Checked): ReadonlyArray<string> => [
  checked.healthy ? `${checked.file} is whole: every block of every table was read` : `${checked.file} is damaged`,
  ...checked.findings.map((finding) => `  ${described(finding)}`),
]

const repairLines = ({ done, keptIn, lost }: Repaired): ReadonlyArray<string> => [
  outcomes[done],
  ...(Object.keys(lost).length === 0
    ? []
    : [
        `  lost of what was acknowledged: ${Object.entries(lost)
          .map(([table, rows]) => `${rows} ${table}`)
          .join(", ")}`,
      ]),
  ...(keptIn === null ? [] : [`  as it was found, it is kept in ${keptIn}`]),
]

export const doctor = Command.make(
  "doctor",
  {
    repair: Flag.Boolean("repair").pipe(
      Flag.withDescription("Mend what can be mended; everything is copied aside before"),
      Flag.withDefault(false),
    ),
    json: flags.json,
  },
  ({ repair, json }) =>
    Effect.gen(function* () {
      const at = yield* home
      const running = readNote(at)
      if (running !== undefined) {
        return yield* stateFailure(
          `a coordinator (process ${running.pid}) runs on ${at.directory}; stop it, then ask the doctor`,
        )
      }
      const doctors = yield* Effect.promise(() => import("@sweep/store/doctor"))
      const failed = Effect.mapError(({ message }: { readonly message: string }) => stateFailure(message))
      if (!repair) {
        const checked = yield* doctors.check(at.store).pipe(failed)
        yield* json ? printJson(checked) : print(lines(checked).join("\n"))
        if (checked.healthy) return
        return yield* stateFailure("the database is damaged; 'sweep doctor --repair' mends what can be mended")
      }
      const repaired = yield* doctors.repair(at.store).pipe(failed)
      yield* json ? printJson(repaired) : print([...lines(repaired), ...repairLines(repaired)].join("\n"))
      if (repaired.done === "impossible") return yield* stateFailure("the database is still damaged")
    }),
).pipe(
  Command.withDescription(
    "Check that the database of this state directory is whole, and mend it; no coordinator may run",
  ),
  Command.withExamples([
    { command: "sweep doctor", description: "Reads all of it, changes nothing" },
    { command: "sweep doctor --repair", description: "Copies everything aside, then mends what it can" },
  ]),
)
