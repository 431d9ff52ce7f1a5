// The trainer of the honest fleet: a few steps and an adapter, or, of the victim, steps until it is stopped. Nothing but
// the trainer contract.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"

const { parameters } = JSON.parse(readFileSync("trial.json", "utf8")) as {
  parameters: { readonly x: number; readonly steps: number }
}
let seq = 0
const write = (event: Readonly<Record<string, unknown>>): void =>
  appendFileSync("events.jsonl", `${JSON.stringify({ seq: ++seq, at: new Date().toISOString(), ...event })}\n`)

write({ type: "started", pid: process.pid, warm: false, versions: {}, device: "cpu", total_steps: parameters.steps })
process.on("SIGTERM", () => process.exit(143))
let step = 0
const train = (): void => {
  const told = existsSync("control.json")
  if (step < parameters.steps && !told) {
    write({ type: "metrics", step: ++step, values: { loss: 1 / (step + parameters.x) } })
    setTimeout(train, 100)
    return
  }
  mkdirSync("adapter", { recursive: true })
  writeFileSync("adapter/adapter_model.safetensors", `weights of ${parameters.x}`)
  write({ type: "finished", step, values: { loss: 1 / (step + parameters.x) }, interrupted: told })
}
train()
