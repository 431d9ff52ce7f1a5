// A data file in another form and format. Owns that records which cannot be said in it are counted, never bent.
import { defectsIn, doubtful } from "@sweep/sweepfile/checkRecord"
import { exampleOf, inForm } from "@sweep/sweepfile/example"
import type { DataRecord, Form } from "@sweep/sweepfile/forms"
import { formOfFile } from "./checkFile.ts"
import { readRecords } from "./readRecords.ts"
import { openRecords } from "./writeRecords.ts"

export interface Converted {
  readonly from: Form
  readonly written: number
  /** The numbers of the first records that were left out, and how many there are. */
  readonly left: { readonly count: number; readonly records: ReadonlyArray<number> }
}

export const convertFile = async (path: string, to: Form, target: string): Promise<Converted> => {
  const form = await formOfFile(path)
  if (form === null)
    throw new Error(`${path} holds no record of a form that is known here; 'sweep data check' says more`)
  const out = openRecords(target)
  const records: Array<number> = []
  let count = 0
  try {
    for await (const { number, value } of readRecords(path)) {
      const usable = value !== undefined && !defectsIn(value, form).some(({ code }) => !doubtful.has(code))
      const converted = usable ? inForm(exampleOf(value as DataRecord, form), to) : undefined
      if (converted !== undefined) await out.write(converted)
      else {
        count++
        if (records.length < 20) records.push(number)
      }
    }
    return { from: form, written: await out.close(), left: { count, records } }
  } catch (error) {
    out.abandon()
    throw error
  }
}
