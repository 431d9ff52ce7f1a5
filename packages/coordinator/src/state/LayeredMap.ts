// A map over another one that it does not change: what is set here covers what lies below, in the same order. Owns what was
// set; nothing can be deleted, because nobody who assumes a fact deletes.
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #below: ReadonlyMap<K, V>
  readonly #above: Map<K, V>

  /** `above`, which may be changed from outside as well, holds what was set. */
  constructor(below: ReadonlyMap<K, V>, above = new Map<K, V>()) {
    this.#below = below
    this.#above = above
  }

  set(key: K, value: V): this {
    this.#above.set(key, value)
    return this
  }

  get(key: K): V | undefined {
    return this.#above.get(key) ?? this.#below.get(key)
  }

  has(key: K): boolean {
    return this.#above.has(key) || this.#below.has(key)
  }

  get size(): number {
    let size = this.#below.size
    for (const key of this.#above.keys()) if (!this.#below.has(key)) size++
    return size
  }

  *entries(): MapIterator<[K, V]> {
    for (const [key, value] of this.#below) yield [key, this.#above.get(key) ?? value]
    for (const [key, value] of this.#above) if (!this.#below.has(key)) yield [key, value]
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(call: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) call(value, key, this)
  }
}
