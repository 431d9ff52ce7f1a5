// A value of a sweep file on its way to a typed one. Owns the checks every key needs (is it a number, in range, one of
// these words, a map with known keys) and their wording. A check that fails reports to the source and gives `undefined`.
import { nearestName } from "@sweep/domain/nearestName"
import type { Report, Source, Span } from "./Source.ts"
import type { YamlNode } from "./YamlTree.ts"

const shown = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text)

export const describeNode = (node: YamlNode): string => {
  if (node.kind === "list") return node.items.length === 0 ? "an empty list" : `a list of ${node.items.length}`
  if (node.kind === "map") return "a map"
  if (node.value === null) return "nothing"
  if (typeof node.value === "string") return `the text "${shown(node.value)}"`
  return typeof node.value === "number" ? `the number ${shown(node.source)}` : String(node.value)
}

/** `a, b or c`, each in backquotes. */
export const oneOf = (names: Iterable<string>): string => {
  const quoted = Array.from(names, (name) => `\`${name}\``)
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`
}

export const didYouMean = (name: string, known: ReadonlyArray<string> | ReadonlySet<string>): string | null => {
  const nearest = nearestName(name, known)
  return nearest === undefined ? null : `did you mean \`${nearest}\`?`
}

export interface NumberRule {
  readonly integer?: boolean
  /** Included. */
  readonly min?: number
  readonly max?: number
  /** Excluded. */
  readonly above?: number
  readonly below?: number
}

const numberWords = (rule: NumberRule): string => {
  const kind = rule.integer === true ? "an integer" : "a number"
  if (rule.min !== undefined && rule.max !== undefined) return `${kind} from ${rule.min} to ${rule.max}`
  const bounds = [
    rule.min === undefined ? [] : [`of at least ${rule.min}`],
    rule.above === undefined ? [] : [`greater than ${rule.above}`],
    rule.max === undefined ? [] : [`of at most ${rule.max}`],
    rule.below === undefined ? [] : [`less than ${rule.below}`],
  ].flat()
  return bounds.length === 0 ? kind : `${kind} ${bounds.join(" and ")}`
}

export class Field {
  readonly source: Source
  readonly node: YamlNode
  readonly path: string

  constructor(source: Source, node: YamlNode, path: string) {
    this.source = source
    this.node = node
    this.path = path
    source.place(path, node)
  }

  report(report: Report, span: Span = this.node): undefined {
    return this.source.report(span, this.path, report)
  }

  warn(report: Report): undefined {
    return this.source.warn(this.node, this.path, report)
  }

  /** `expected` in words; says what was found. */
  wrong(expected: string, hint: string | null = null): undefined {
    const found = describeNode(this.node)
    const message = this.isNull ? `\`${this.path}\` has no value` : `\`${this.path}\` cannot be ${found}`
    return this.report({ message: this.path === "" ? `the file is ${found}` : message, found, expected, hint })
  }

  get isNull(): boolean {
    return this.node.kind === "scalar" && this.node.value === null
  }

  text(expected = "text"): string | undefined {
    const { node } = this
    if (node.kind !== "scalar" || node.value === null || node.value === "") return this.wrong(expected)
    if (typeof node.value === "string") return node.value
    return this.wrong(expected, `put quotes around it: "${node.source}"`)
  }

  number(rule: NumberRule = {}): number | undefined {
    const { node } = this
    const expected = numberWords(rule)
    if (node.kind !== "scalar" || typeof node.value !== "number") {
      const numeric = node.kind === "scalar" && typeof node.value === "string" && /^[-+]?[\d.]/.test(node.value)
      return this.wrong(expected, numeric && Number.isFinite(Number(node.value)) ? "write it without quotes" : null)
    }
    const { value } = node
    const within =
      (rule.integer !== true || Number.isSafeInteger(value)) &&
      (rule.min === undefined || value >= rule.min) &&
      (rule.max === undefined || value <= rule.max) &&
      (rule.above === undefined || value > rule.above) &&
      (rule.below === undefined || value < rule.below)
    if (within) return value
    // Beyond what a double counts exactly, `at least 1` would not say what is wrong.
    const isHuge = rule.integer === true && value > Number.MAX_SAFE_INTEGER && rule.max === undefined
    return this.wrong(isHuge ? numberWords({ ...rule, max: Number.MAX_SAFE_INTEGER }) : expected)
  }

  boolean(): boolean | undefined {
    return this.node.kind === "scalar" && typeof this.node.value === "boolean"
      ? this.node.value
      : this.wrong("true or false")
  }

  word<const W extends string>(words: ReadonlyArray<W>): W | undefined {
    const { node } = this
    if (node.kind === "scalar" && (words as ReadonlyArray<unknown>).includes(node.value)) return node.value as W
    const found = node.kind === "scalar" && typeof node.value === "string" ? node.value : undefined
    return this.wrong(oneOf(words), found === undefined ? null : didYouMean(found, words))
  }

  list(expected = "a list"): ReadonlyArray<Field> | undefined {
    if (this.node.kind !== "list") return this.wrong(expected)
    return this.node.items.map((item, i) => new Field(this.source, item, `${this.path}[${i}]`))
  }

  /** The map's fields by key. With `known`, every other key is a problem. */
  map(known?: Iterable<string>, expected = "a map"): Fields | undefined {
    const { node, source, path } = this
    if (node.kind !== "map") return this.wrong(expected)
    const fields = new Map<string, Field>()
    const misspelt = new Set<string>()
    const keys = known === undefined ? undefined : new Set(known)
    for (const entry of node.entries) {
      const inner = path === "" ? entry.key : `${path}.${entry.key}`
      if (keys === undefined || keys.has(entry.key)) {
        fields.set(entry.key, new Field(source, entry.value, inner))
      } else if (!source.full) {
        const nearest = nearestName(entry.key, keys)
        const hint = nearest === undefined ? null : `did you mean \`${nearest}\`?`
        if (nearest !== undefined) misspelt.add(nearest)
        const where = path === "" ? "" : ` in \`${path}\``
        source.report(entry.keySpan, inner, {
          message: `unknown key \`${entry.key}\`${where}`,
          expected: hint === null || keys.size <= 12 ? oneOf(keys) : null,
          hint,
        })
      }
    }
    return new Fields(this, fields, misspelt)
  }
}

/** The fields of one map. */
export class Fields {
  readonly of: Field
  private readonly byKey: ReadonlyMap<string, Field>
  private readonly misspelt: ReadonlySet<string>

  constructor(of: Field, byKey: ReadonlyMap<string, Field>, misspelt: ReadonlySet<string>) {
    this.of = of
    this.byKey = byKey
    this.misspelt = misspelt
  }

  [Symbol.iterator](): IterableIterator<[string, Field]> {
    return this.byKey.entries()
  }

  get(key: string): Field | undefined {
    return this.byKey.get(key)
  }

  has(key: string): boolean {
    return this.byKey.has(key)
  }

  require(key: string, hint: string | null = null): Field | undefined {
    const field = this.byKey.get(key)
    // That a key is missing because it is misspelt has been said.
    if (field !== undefined || this.misspelt.has(key)) return field
    const { path } = this.of
    // A problem of the map as a whole stands at its start.
    const { start } = this.of.node
    const where = path === "" ? "" : ` in \`${path}\``
    return this.of.source.report({ start, end: start + 1 }, path === "" ? key : `${path}.${key}`, {
      message: `\`${key}\` is missing${where}`,
      hint,
    })
  }

  /** What `read` makes of the key's value; `fallback` where the key is absent, `undefined` where it is wrong. */
  optional<A, B>(key: string, fallback: B, read: (field: Field) => A | undefined): A | B | undefined {
    const field = this.byKey.get(key)
    return field === undefined ? fallback : read(field)
  }
}
