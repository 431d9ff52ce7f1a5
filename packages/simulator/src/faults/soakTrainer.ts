// The trainer of soak.ts: numbers that follow from its parameters and the step alone, a checkpoint after every step, and
// nothing but the trainer contract. Killed anywhere and started again it comes to the same curve.
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"

const steps = 30
const stepMillis = 100

const { parameters } = JSON.parse(readFileSync("trial.json", "utf8")) as { parameters: { readonly x: number } }
const saved = "checkpoints/state.json"
let seq = 0
const write = (event: Readonly<Record<string, unknown>>): void =>
  appendFileSync("events.jsonl", `${JSON.stringify({ seq: ++seq, at: new Date().toISOString(), ...event })}\n`)

const save = (step: number): void => {
  mkdirSync("checkpoints", { recursive: true })
  writeFileSync(`${saved}.tmp`, String(step))
  renameSync(`${saved}.tmp`, saved)
}

let step = existsSync(saved) ? Number(readFileSync(saved, "utf8")) : 0
write({ type: "started", pid: process.pid, warm: false, versions: {}, device: "cpu", total_steps: steps })
process.on("SIGTERM", () => process.exit(143))
const train = (): void => {
  if (step === steps) {
    write({ type: "finished", step, values: {}, interrupted: false })
    return
  }
  step++
  write({ type: "metrics", step, values: { loss: Math.cos(parameters.x) + 1 / step, half: parameters.x / 2 } })
  save(step)
  setTimeout(train, stepMillis)
}
train()
