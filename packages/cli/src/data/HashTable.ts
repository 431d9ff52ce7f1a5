// Which texts have been seen, and in which record first: 12 bytes a slot, whatever their length. Owns an open table of
// 52-bit hashes; two texts with one hash pass for the same, once in 10^8 for a million records.
import { createHash } from "node:crypto"

export class HashTable {
  private keys = new Float64Array(1 << 12)
  private records = new Uint32Array(1 << 12)
  private used = 0

  /** The record that had this text first; `undefined`, and it is kept, when this one is the first. */
  firstOf(text: string, record: number): number | undefined {
    if (2 * this.used >= this.keys.length) this.grow()
    const digest = createHash("md5").update(text).digest()
    // Never 0, which marks a free slot.
    const key = digest.readUIntBE(0, 6) * 16 + (digest[6]! & 15) + 1
    const slot = this.slotOf(this.keys, key)
    if (this.keys[slot] === key) return this.records[slot]
    this.keys[slot] = key
    this.records[slot] = record
    this.used++
    return undefined
  }

  has(text: string): boolean {
    const digest = createHash("md5").update(text).digest()
    const key = digest.readUIntBE(0, 6) * 16 + (digest[6]! & 15) + 1
    return this.keys[this.slotOf(this.keys, key)] === key
  }

  private slotOf(keys: Float64Array, key: number): number {
    const mask = keys.length - 1
    let slot = (key % 4294967291) & mask
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  private grow(): void {
    const keys = new Float64Array(2 * this.keys.length)
    const records = new Uint32Array(keys.length)
    for (const [i, key] of this.keys.entries()) {
      if (key === 0) continue
      const slot = this.slotOf(keys, key)
      keys[slot] = key
      records[slot] = this.records[i]!
    }
    this.keys = keys
    this.records = records
  }
}
