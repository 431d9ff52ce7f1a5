// A data file in two: which side a record falls on depends on its question and the seed alone. Owns that, so that a file
// that grows keeps its split and no question is on both sides.
import { createHash } from "node:crypto"
import { defectsIn, doubtful } from "@sweep/sweepfile/checkRecord"
import { exampleOf, questionOf } from "@sweep/sweepfile/example"
import type { DataRecord } from "@sweep/sweepfile/forms"
import { formOfFile } from "./checkFile.ts"
import { readRecords } from "./readRecords.ts"
import { openRecords } from "./writeRecords.ts"

/** In [0, 1), by the question without regard to case and spaces. */
export const placeOf = (question: string, seed: number): number => {
  const plain = question.toLowerCase().replaceAll(/\s+/g, " ").trim()
  return createHash("sha256").update(`${seed}\0${plain}`).digest().readUIntBE(0, 6) / 2 ** 48
}

export const splitFile = async (
  path: string,
  options: { readonly train: string; readonly eval: string; readonly fraction: number; readonly seed: number },
) => {
  const form = await formOfFile(path)
  if (form === null)
    throw new Error(`${path} holds no record of a form that is known here; 'sweep data check' says more`)
  const train = openRecords(options.train)
  const evaluation = openRecords(options.eval)
  let left = 0
  try {
    for await (const { value } of readRecords(path)) {
      if (value === undefined || defectsIn(value, form).some(({ code }) => !doubtful.has(code))) {
        left++
        continue
      }
      const record = value as DataRecord
      const question = questionOf(exampleOf(record, form))
      await (placeOf(question, options.seed) < options.fraction ? evaluation : train).write(record)
    }
    return { train: await train.close(), eval: await evaluation.close(), left }
  } catch (error) {
    train.abandon()
    evaluation.abandon()
    throw error
  }
}
