// The files of source snapshots on this host, each once, named by its content: `<home>/sources/files/<sha256>`. Owns what
// counts as a good file, which snapshots use it (`used/<snapshot>`), and that all of it stays within a quota, the snapshot
// that was used longest ago going first. Fetching is fetchSources', putting files before trials placeSources'.
import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs"
import { join } from "node:path"
import * as Semaphore from "effect/Semaphore"
import type { SnapshotRoot } from "@sweep/domain/Snapshot"
import { writeAtomically } from "../host/AgentHome.ts"
import { keptAttempts } from "../attempt/AttemptDirectory.ts"

/** Unless given. */
const defaultSourceBytes = 20 * 1024 ** 3

/** Every file has this time, in seconds: one with another was written to after it was checked. */
const checkedAt = 946_684_800

interface Use {
  readonly files: ReadonlyArray<string>
  readonly trees: ReadonlyArray<string>
}

/** The name of a root that trials share, by its content. */
export const treeName = ({ files }: SnapshotRoot): string =>
  createHash("sha256").update(JSON.stringify(files)).digest("hex")

export class SourceCache {
  /** One snapshot at a time: trials of a sweep that begin together fetch its files once. */
  readonly lock = Semaphore.makeUnsafe(1)
  private readonly home: string
  private readonly quota: number

  constructor(home: string, quota = defaultSourceBytes) {
    this.home = home
    this.quota = quota
    for (const folder of ["files", "trees", "used"]) mkdirSync(join(this.directory, folder), { recursive: true })
  }

  private get directory(): string {
    return join(this.home, "sources")
  }
  file(sha256: string): string {
    return join(this.directory, "files", sha256)
  }
  part(sha256: string): string {
    return `${this.file(sha256)}.part`
  }
  tree(name: string): string {
    return join(this.directory, "trees", name)
  }

  has(sha256: string, bytes: number): boolean {
    const found = statSync(this.file(sha256), { throwIfNoEntry: false })
    return found !== undefined && found.size === bytes && found.mtimeMs === checkedAt * 1000
  }

  /** The part is whole, and its content is what the name says. */
  complete(sha256: string): void {
    const part = this.part(sha256)
    chmodSync(part, 0o444)
    utimesSync(part, checkedAt, checkedAt)
    renameSync(part, this.file(sha256))
  }

  /** From now on the files are this snapshot's, too. */
  use(snapshot: string, roots: ReadonlyArray<SnapshotRoot>): void {
    const files = Array.from(new Set([snapshot, ...roots.flatMap((root) => root.files.map(({ sha256 }) => sha256))]))
    const use: Use = { files, trees: roots.filter(({ work }) => !work).map(treeName) }
    writeAtomically(join(this.directory, "used", snapshot), JSON.stringify(use))
  }

  /** Lets go of snapshots until `more` bytes fit into the quota. What attempts of this agent use stays. */
  makeRoom(more: number, snapshot: string): void {
    const sizes = new Map(
      readdirSync(join(this.directory, "files")).map((name) => [
        name,
        statSync(join(this.directory, "files", name), { throwIfNoEntry: false })?.size ?? 0,
      ]),
    )
    let total = Array.from(sizes.values()).reduce((sum, size) => sum + size, 0)
    if (total + more <= this.quota) return
    const uses = this.uses()
    const held = this.heldSnapshots()
    const gone = Array.from(uses.keys()).filter((name) => name !== snapshot && !held.has(name))
    // What no snapshot uses, such as a part of one that was given up, goes first.
    for (let next: string | undefined = ""; next !== undefined && total + more > this.quota; next = gone.shift()) {
      if (next !== "") {
        uses.delete(next)
        rmSync(join(this.directory, "used", next), { force: true })
      }
      const needed = new Set(Array.from(uses.values()).flatMap(({ files }) => files))
      for (const [name, size] of sizes) {
        if (needed.has(name) || needed.has(name.replace(/\.part$/, ""))) continue
        rmSync(join(this.directory, "files", name), { force: true })
        sizes.delete(name)
        total -= size
      }
      const trees = new Set(Array.from(uses.values()).flatMap((use) => use.trees))
      for (const name of readdirSync(join(this.directory, "trees"))) {
        if (!trees.has(name)) rmSync(join(this.directory, "trees", name), { recursive: true, force: true })
      }
    }
  }

  /** By snapshot, the one that was used longest ago first. */
  private uses(): Map<string, Use> {
    const folder = join(this.directory, "used")
    const found = readdirSync(folder).flatMap((name) => {
      try {
        const path = join(folder, name)
        return [{ name, at: statSync(path).mtimeMs, use: JSON.parse(readFileSync(path, "utf8")) as Use }]
      } catch {
        return []
      }
    })
    return new Map(found.sort((a, b) => a.at - b.at).map(({ name, use }) => [name, use]))
  }

  private heldSnapshots(): ReadonlySet<string> {
    return new Set(
      keptAttempts(this.home).flatMap(({ directory, record }) => {
        if (record.end !== null) return []
        try {
          const { snapshot } = JSON.parse(readFileSync(directory.trial, "utf8")) as {
            readonly snapshot?: { readonly sha256: string }
          }
          return snapshot === undefined ? [] : [snapshot.sha256]
        } catch {
          return []
        }
      }),
    )
  }
}
