// What of a data file decides how to train on it: its form, how many examples it has, how long they are. Owns the look.
import { defectsIn, doubtful } from "@sweep/sweepfile/checkRecord"
import { exampleOf } from "@sweep/sweepfile/example"
import type { DataRecord, Form } from "@sweep/sweepfile/forms"
import { formOfFile } from "../data/checkFile.ts"
import { readRecords } from "../data/readRecords.ts"
import { estimated } from "../data/tokenLengths.ts"

export interface DescribedData {
  readonly form: Form | null
  readonly records: number
  /** Tokens that hold 95 % of the examples, estimated. */
  readonly length: number
}

/** Lengths are of the first this many. */
const measured = 20_000

export const describeData = async (path: string): Promise<DescribedData> => {
  const form = await formOfFile(path)
  const lengths: Array<number> = []
  let records = 0
  for await (const { number, value } of readRecords(path)) {
    records = number
    if (form === null || lengths.length >= measured || value === undefined) continue
    if (defectsIn(value, form).some(({ code }) => !doubtful.has(code))) continue
    const { system, turns, preference, text } = exampleOf(value as DataRecord, form)
    const answer = preference === undefined ? "" : preference.chosen
    lengths.push(
      (await estimated.of([[system, ...turns.map(({ content }) => content), answer, text ?? ""].join("\n")]))[0]!,
    )
  }
  lengths.sort((a, b) => a - b)
  return { form, records, length: lengths[Math.floor(0.95 * (lengths.length - 1))] ?? 0 }
}
