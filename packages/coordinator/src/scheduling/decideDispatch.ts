// Who gets a free slot: released trials before new ones, sweeps in turn (the one with the fewest trials running, then the
// oldest), the smallest slot that fits. Pure: a function from the coordinator's state to decisions, which the caller takes
// one after another while it has time for more; each rests on the ones before as if they were committed, through an
// overlay that ends with the call. Which trial is next in a sweep is ask.ts', what a slot comes to is fillSlot.ts'.
import type { AgentId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import { type Decision, fillSlot } from "./fillSlot.ts"
import { agentOf, firstReady, mayTry, type Situation } from "./Situation.ts"
import { canAssume, Overlay } from "../state/Overlay.ts"
import type { FreeSlot } from "../state/Roster.ts"
import { attempts, type StateView } from "../state/StateView.ts"

/** Running sweeps, the next in turn first. */
const inTurn = (state: StateView): ReadonlyArray<SweepState> => {
  const running = new Map<string, number>()
  for (const { sweep } of attempts(state)) running.set(sweep, (running.get(sweep) ?? 0) + 1)
  return Array.from(state.sweeps.values())
    .filter(({ status, spec }) => status === "running" && spec.trainer !== "external")
    .sort((a, b) => (running.get(a.id) ?? 0) - (running.get(b.id) ?? 0) || a.createdAt - b.createdAt)
}

/** The smallest slot that fits, of the agent that has the checkpoints to resume from if it has one free. */
const slotFor = (
  { spec }: SweepState,
  free: ReadonlyArray<FreeSlot>,
  before: AgentId | undefined,
): FreeSlot | undefined => {
  const fitting = free.filter(
    ({ slot, agent }) => slot.devices.length >= spec.resources.gpus && agent.trainers.has(spec.trainer),
  )
  const known = fitting.filter(({ agent }) => agent.id === before)
  let best: FreeSlot | undefined
  for (const candidate of known.length > 0 ? known : fitting) {
    if (best === undefined || candidate.slot.devices.length < best.slot.devices.length) best = candidate
  }
  return best
}

/** What follows next: mostly, that one of the free slots gets a trial. */
const decideOne = (situation: Situation, free: ReadonlyArray<FreeSlot>): Decision | undefined => {
  for (const sweep of inTurn(situation.state)) {
    const waiting = firstReady(situation, sweep)
    const before = waiting === undefined ? undefined : agentOf(situation, sweep, waiting)
    const fitting = waiting === undefined ? free : free.filter(({ agent }) => mayTry(situation, sweep, waiting, agent))
    // The trial that waits may have been taken from every host that is free: they get what comes after it.
    const slot = slotFor(sweep, fitting, before) ?? slotFor(sweep, free, undefined)
    const decision = slot === undefined ? undefined : fillSlot(situation, sweep, slot)
    if (decision !== undefined && decision.facts.length > 0) return decision
  }
  return undefined
}

/** Ends when no slot is free, when nothing follows, or when what follows next can be seen only once this is committed. */
export function* decideDispatch(situation: Situation): Generator<Decision, void> {
  const overlay = new Overlay(situation.state)
  const assumed = { ...situation, state: overlay }
  let free = situation.hosts.freeSlots(situation.now)
  while (free.length > 0) {
    const decision = decideOne(assumed, free)
    if (decision === undefined) return
    yield decision
    const { facts, assignment } = decision
    if (!facts.every(canAssume)) return
    for (const fact of facts) overlay.assume(fact)
    if (assignment !== undefined) {
      free = free.filter(({ agent, slot }) => agent.id !== assignment.agent || slot.index !== assignment.message.slot)
    }
  }
}
