// Lengths in tokens: by the model's own tokenizer, in the trainer's Python, or estimated without one. Owns the child
// process and the estimate.
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { join } from "node:path"
import { programRoot } from "../programRoot.ts"
import { trainerPython } from "../running/trainerPython.ts"

export interface TokenLengths {
  readonly exact: boolean
  readonly of: (texts: ReadonlyArray<string>) => Promise<ReadonlyArray<number>>
  readonly close: () => void
}

const cjk = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/g

export const countCjk = (text: string): number => text.match(cjk)?.length ?? 0

/** A token is about four letters of a language written in letters, and about one Chinese character. */
const estimate = (text: string): number => {
  const wide = countCjk(text)
  return wide + Math.ceil((text.length - wide) / 4)
}

export const estimated: TokenLengths = {
  exact: false,
  of: (texts) => Promise.resolve(texts.map(estimate)),
  close: () => undefined,
}

/** Fails, with the tokenizer's own words, where the model has none that can be read. */
export const ofModel = (model: string): TokenLengths => {
  const child = spawn(trainerPython(), ["-m", "sweep_trainer.data.lengths", model], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, PYTHONPATH: join(programRoot, "agents/trainer/src"), TOKENIZERS_PARALLELISM: "false" },
  })
  let said = ""
  child.stderr.on("data", (chunk) => (said = (said + chunk).slice(-2000)))
  child.stdin.on("error", () => undefined)
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const started = new Promise<void>((_, fail) => child.once("error", fail))
  started.catch(() => undefined)
  return {
    exact: true,
    of: async (texts) => {
      child.stdin.write(`${JSON.stringify(texts)}\n`)
      const reply = await Promise.race([replies.next(), started.then(() => ({ done: true, value: undefined }))])
      if (reply.done === true) throw new Error(said.trim().split("\n").at(-1) ?? "the tokenizer ended")
      return JSON.parse(String(reply.value)) as ReadonlyArray<number>
    },
    close: () => child.stdin.end(),
  }
}
