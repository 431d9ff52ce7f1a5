// What leaves this host without the secrets of it. Owns which parts of a message a trainer's words are in; what is a secret
// is the domain's to say. Files on the host stay as the trainer wrote them.
import { existsSync, readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { type Redact, redactDeep, type Secret, secretsIn } from "@sweep/domain/Secrets"
import type { AgentMessage } from "@sweep/protocol/AgentMessage"

/** Where `hf auth login` leaves a token: trainers find it there without any variable. */
const hubToken = (environment: NodeJS.ProcessEnv): string =>
  environment["HF_TOKEN_PATH"] ?? join(environment["HF_HOME"] ?? join(homedir(), ".cache/huggingface"), "token")

/** Of this host: what a trainer could print. */
export const secretsOfBox = (environment: NodeJS.ProcessEnv = process.env): ReadonlyArray<Secret> => {
  const path = hubToken(environment)
  let fromHub = ""
  try {
    if (existsSync(path)) fromHub = readFileSync(path, "utf8").trim()
  } catch {
    // Not ours to read, so not a trainer's either.
  }
  return [...secretsIn(environment), ...(fromHub.length < 8 ? [] : [{ name: path, value: fromHub }])]
}

export const redactMessage = (redact: Redact, message: AgentMessage): AgentMessage => {
  switch (message._tag) {
    case "Events":
      return {
        ...message,
        points: { ...message.points, metrics: message.points.metrics.map(redact) },
        events: redactDeep(redact, message.events),
      }
    case "Log":
      return { ...message, text: redact(message.text) }
    case "Notes":
      return { ...message, lines: message.lines.map(redact) }
    case "Ended":
      return { ...message, end: redactDeep(redact, message.end) }
    default:
      return message
  }
}
