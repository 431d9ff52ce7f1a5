// Who is missing for a sweep to start: a sweep that nobody can take would wait without a word. Pure.
import type { SweepSpec, Trainer } from "@sweep/domain/SweepSpec"
import type { AgentStatus } from "@sweep/protocol/SweepApi"

const startedWith: Partial<Record<typeof Trainer.Type, string>> = {
  command: " that was started with --allow-commands",
  llamafactory: " that was started with --llamafactory",
}

type Known = Pick<AgentStatus, "state" | "trainers" | "slots">

/** The agents that run the sweep's trainer. */
export const ableAgents = <A extends Known>(
  trainer: SweepSpec["trainer"],
  agents: ReadonlyArray<A>,
): ReadonlyArray<A> => agents.filter(({ state, trainers }) => state !== "lost" && trainers.includes(trainer))

/** A sentence; `null` when an agent that is there can run the sweep. */
export const whoIsMissing = (
  { trainer, resources: { gpus } }: Pick<SweepSpec, "trainer" | "resources">,
  agents: ReadonlyArray<Known>,
): string | null => {
  if (trainer === "external") return null
  if (agents.length === 0) return "no agent has joined this coordinator yet; the sweep waits for one"
  const able = ableAgents(trainer, agents)
  if (able.length === 0) {
    return `no agent here runs 'trainer: ${trainer}'; the sweep waits for one${startedWith[trainer] ?? ""}`
  }
  const most = Math.max(0, ...able.flatMap(({ slots }) => slots.map(({ devices }) => devices.length)))
  if (most >= gpus) return null
  return `'resources: {gpus: ${gpus}}' asks for ${gpus} devices per trial, and no slot of an agent here has more than ${most}; the sweep waits for one that has. Write 'gpus: 1' to run a trial on each device`
}
