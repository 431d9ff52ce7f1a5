// The store of a simulated coordinator: the one in memory, behind a disk. A write takes time, is committed at one moment,
// and its caller hears of that at a later one; a full disk refuses it. What is committed outlives the process; of what
// was being written when it was killed, the first part may be. Owns that.
import * as Effect from "effect/Effect"
import type { Epoch } from "@sweep/domain/Id"
import { type Store, StoreError } from "@sweep/store/Store"
import type { Ledger } from "./Ledger.ts"
import type { Life, World } from "./World.ts"

type Service = Store["Service"]

export class Disk {
  full = false
  /** Writes under way, in their order. */
  private readonly writes: Array<{ readonly commit: () => void; done: boolean }> = []
  private busyUntil = 0
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  write(life: Life, millis: number, commit: () => void): void {
    this.busyUntil = Math.max(this.busyUntil, this.world.now + millis)
    const write = { commit, done: false }
    this.writes.push(write)
    this.world.after(this.busyUntil - this.world.now, () => {
      if (!write.done && life.alive) this.settle(write)
    })
  }

  /** The process is killed: the first `kept` of its writes are on the disk, the others never were. */
  cutOff(kept: number): void {
    for (const write of this.writes.slice(0, kept)) this.settle(write)
    for (const write of this.writes.splice(0)) write.done = true
  }

  private settle(write: (typeof this.writes)[number]): void {
    write.done = true
    const at = this.writes.indexOf(write)
    if (at !== -1) this.writes.splice(at, 1)
    write.commit()
  }
}

export const simulatedStore = (options: {
  readonly world: World
  readonly life: Life
  readonly disk: Disk
  readonly memory: Service
  readonly ledger: Ledger
  readonly number: number
}): Service => {
  const { world, life, disk, memory, ledger } = options
  const chance = world.random("store", options.number)
  const full = new StoreError({ reason: "full", message: "no space left on the disk" })

  const write = <A>(commit: () => A): Effect.Effect<A, StoreError> =>
    life.callback((finish) => {
      disk.write(life, chance.uniform() * 20, () => {
        const result = disk.full ? Effect.fail(full) : Effect.succeed(commit())
        world.after(chance.uniform() * 5, () => finish(result))
      })
    })
  return {
    ...memory,
    append: (facts) =>
      write(() => {
        Effect.runSync(memory.append(facts))
        ledger.committed(facts)
      }),
    ingest: (batches, logs) =>
      write(() => {
        const before = new Map<Epoch, number>()
        for (const { epoch } of batches) before.set(epoch, ledger.received.get(epoch)?.mark.seq ?? 0)
        const marks = Effect.runSync(memory.ingest(batches, logs))
        ledger.ingested(batches, before)
        return marks
      }),
  }
}
