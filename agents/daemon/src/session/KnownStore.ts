// The store this agent works for, as it remembers it across restarts: its id, and the greatest epoch that was assigned from
// it. Owns that file. A coordinator whose store has the id but not the epoch was rolled back, and learns it by the greeting.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { writeAtomically } from "../host/AgentHome.ts"

const Known = Schema.Struct({ id: Schema.String, lastEpoch: Schema.Int })
const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Known))

export class KnownStore {
  private known: typeof Known.Type | undefined
  private readonly path: string

  constructor(home: string) {
    this.path = join(home, "store.json")
    try {
      this.known = Option.getOrUndefined(decode(readFileSync(this.path, "utf8")))
    } catch {
      // None yet.
    }
  }

  get greeting(): typeof Known.Type | undefined {
    return this.known
  }

  /** The coordinator says which store it keeps. */
  welcomed(id: string | undefined): void {
    if (id !== undefined && id !== this.known?.id) this.write({ id, lastEpoch: 0 })
  }

  assigned(epoch: number): void {
    if (this.known !== undefined && epoch > this.known.lastEpoch) this.write({ ...this.known, lastEpoch: epoch })
  }

  private write(known: typeof Known.Type): void {
    this.known = known
    try {
      writeAtomically(this.path, JSON.stringify(known))
    } catch {
      // A full disk: a restarted agent recognises less, this one nothing less.
    }
  }
}
