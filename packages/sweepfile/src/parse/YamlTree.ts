// YAML text as a plain tree in which every node knows where it stands. Owns what of YAML a sweep file may use: one
// document, the core schema, anchors, aliases and `<<` merges to a limit, no tags of one's own, no key twice. Meaning
// is given to the tree elsewhere.
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type ParsedNode } from "yaml"

interface Span {
  /** Offsets into the text; `end` is exclusive. */
  readonly start: number
  readonly end: number
}

export interface ScalarNode extends Span {
  readonly kind: "scalar"
  readonly value: string | number | boolean | null
  /** As it was written, without quotes. */
  readonly source: string
  /** A number without a point or an exponent. */
  readonly integer: boolean
}

export interface ListNode extends Span {
  readonly kind: "list"
  readonly items: ReadonlyArray<YamlNode>
}

export interface MapEntry {
  readonly key: string
  readonly keySpan: Span
  readonly value: YamlNode
}

export interface MapNode extends Span {
  readonly kind: "map"
  readonly entries: ReadonlyArray<MapEntry>
}

export type YamlNode = ScalarNode | ListNode | MapNode

export interface YamlProblem extends Span {
  readonly message: string
  readonly expected: string | null
  readonly hint: string | null
}

export const maximumBytes = 1024 * 1024
/** Nodes of a file after every alias has been written out. */
const maximumNodes = 20_000
const maximumDepth = 50
const shownSyntaxErrors = 5
/** Of what looks like one, comments and texts included: a glance at the text, so that a bomb is not even parsed. */
const maximumAliases = 1_000

/** Whether the text is bound to exhaust the parser: brackets or indicators within each other by the hundred. */
const isTooDeep = (text: string): boolean => {
  if (/(?:[-?:][ \t]+){200}/.test(text)) return true
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === 91 || char === 123) {
      if (++depth > 500) return true
    } else if ((char === 93 || char === 125) && depth > 0) depth--
  }
  return false
}

const syntaxHints: Readonly<Record<string, string>> = {
  BAD_INDENT: "lines of one map or list start in the same column",
  BLOCK_AS_IMPLICIT_KEY: "put quotes around a text that contains `: `, or start a new line for a nested map",
  MISSING_CHAR: "a quote or a bracket is not closed, or a space is missing after `:`",
  TAB_AS_INDENT: "indent with spaces",
  BAD_ALIAS: "define the anchor with `&name` before it is used",
}

class Builder {
  readonly problems: Array<YamlProblem> = []
  private exceeded = false
  /** What was built is not the whole file; what follows from that is no mistake of a user's. */
  incomplete = false
  private nodes = 0
  private readonly anchors = new Map<string, YamlNode>()
  private readonly lineOf: (offset: number) => number

  constructor(lineOf: (offset: number) => number) {
    this.lineOf = lineOf
  }

  problem(span: Span, message: string, expected: string | null = null, hint: string | null = null): undefined {
    this.incomplete = true
    this.problems.push({ start: span.start, end: span.end, message, expected, hint })
    return undefined
  }

  /** Counts what an alias expands to, too; `false` when the limit is passed. */
  private count(node: YamlNode): boolean {
    if (++this.nodes > maximumNodes) return false
    if (node.kind === "list") return node.items.every((item) => this.count(item))
    if (node.kind === "map") return node.entries.every((entry) => this.count(entry.value))
    return true
  }

  build(node: ParsedNode | null, fallback: Span, depth = 0): YamlNode | undefined {
    if (node === null) return { kind: "scalar", value: null, source: "", integer: false, ...fallback }
    const span: Span = { start: node.range[0], end: node.range[1] }
    if (++this.nodes > maximumNodes) return this.tooLarge(span)
    if (depth > maximumDepth)
      return this.problem(span, "the file is nested too deeply", `at most ${maximumDepth} levels`)
    if (isAlias(node)) {
      const target = this.anchors.get(node.source)
      if (target === undefined) {
        return this.problem(
          span,
          `the alias \`*${node.source}\` stands inside what it refers to, or nothing has that anchor`,
        )
      }
      if (!this.count(target)) return this.tooLarge(span)
      // The mistake a person sees is where the alias is used.
      return { ...target, ...span }
    }
    if (node.tag?.startsWith("tag:yaml.org,2002:") === false || this.unknownTag(node.tag)) {
      return this.problem(span, `the tag \`${node.tag}\` is not known here`, "plain YAML without tags")
    }
    const built = this.content(node, span, depth)
    if (built !== undefined && node.anchor !== undefined) this.anchors.set(node.anchor, built)
    return built
  }

  private unknownTag(tag: string | undefined): boolean {
    return tag !== undefined && !/^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/.test(tag)
  }

  private tooLarge(span: Span): undefined {
    if (this.exceeded) return undefined
    this.exceeded = true
    return this.problem(
      span,
      `the file expands to more than ${maximumNodes.toLocaleString("en")} values`,
      "a sweep file of a user's size",
      "aliases that refer to aliases multiply",
    )
  }

  private content(node: ParsedNode, span: Span, depth: number): YamlNode | undefined {
    if (isScalar(node)) {
      const source = node.source ?? ""
      const value: unknown = node.value
      if (typeof value === "number" && !Number.isFinite(value))
        return this.problem(span, `${source} is not a finite number`)
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null) {
        const integer = typeof value === "number" && /^[-+]?(\d+|0x[\da-fA-F]+|0o[0-7]+)$/.test(source)
        return { kind: "scalar", value, source, integer, ...span }
      }
      return this.problem(span, "a value of this kind has no meaning here")
    }
    if (isSeq(node)) {
      const items: Array<YamlNode> = []
      for (const item of node.items as Array<ParsedNode | null>) {
        const built = this.build(item, span, depth + 1)
        if (built !== undefined) items.push(built)
      }
      return { kind: "list", items, ...span }
    }
    if (!isMap(node)) return undefined
    const entries = new Map<string, MapEntry>()
    const merged: Array<MapEntry> = []
    for (const pair of node.items) {
      const key = pair.key as ParsedNode | null
      const keySpan: Span = key === null ? span : { start: key.range[0], end: key.range[1] }
      if (!isScalar(key) || key.source === undefined || key.source === "") {
        this.problem(keySpan, "a key has to be a word", "`key: value`")
        continue
      }
      const name = key.source
      const value = this.build(pair.value as ParsedNode | null, { start: keySpan.end, end: keySpan.end }, depth + 1)
      if (name === "<<" && key.type === "PLAIN") {
        if (value !== undefined) merged.push(...this.merge(value))
        continue
      }
      if (entries.has(name)) {
        const first = this.lineOf(entries.get(name)!.keySpan.start)
        const message = `the key \`${name}\` stands twice; first in line ${first}`
        this.problems.push({ ...keySpan, message, expected: "each key once", hint: null })
      } else if (value !== undefined) entries.set(name, { key: name, keySpan, value })
    }
    // A map's own keys win over merged ones, the first merge over later ones.
    for (const entry of merged) if (!entries.has(entry.key)) entries.set(entry.key, entry)
    return { kind: "map", entries: Array.from(entries.values()), ...span }
  }

  private merge(value: YamlNode): ReadonlyArray<MapEntry> {
    const maps = value.kind === "list" ? value.items : [value]
    return maps.flatMap((map) => {
      if (map.kind === "map") return map.entries
      this.problem(map, "`<<` merges a map or a list of maps", "an alias of a map")
      return []
    })
  }
}

/** `undefined` when the text has no content. Never throws; the problems come in the order of the text. */
export const parseYaml = (
  text: string,
  lineOf: (offset: number) => number,
): { readonly root: YamlNode | undefined; readonly problems: ReadonlyArray<YamlProblem> } => {
  const aliases = text.match(/(?:^|[\s,[{:-])\*[^\s,\]}]/g)?.length ?? 0
  if (aliases > maximumAliases) {
    const start = text.indexOf("*")
    const message = `the file has ${aliases.toLocaleString("en")} aliases`
    const expected = `at most ${maximumAliases.toLocaleString("en")}`
    return { root: undefined, problems: [{ start, end: start + 1, message, expected, hint: null }] }
  }
  const tooDeep = { start: 0, end: 1, message: "the file is nested too deeply", hint: null }
  const expected = `at most ${maximumDepth} levels`
  if (isTooDeep(text)) return { root: undefined, problems: [{ ...tooDeep, expected }] }
  let document: Document.Parsed
  try {
    // Keys are compared here, by name: the library's own check takes the square of their number.
    document = parseDocument(text, { schema: "core", uniqueKeys: false, prettyErrors: false, strict: true })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { root: undefined, problems: [{ ...tooDeep, expected }] }
  }
  // The library recurses, and reports it as one of its errors when the stack ends.
  if (document.errors.some(({ message }) => /stack/i.test(message))) {
    return { root: undefined, problems: [{ ...tooDeep, expected }] }
  }
  if (document.errors.length > 0) {
    const problems = document.errors.slice(0, shownSyntaxErrors).map(({ code, message, pos }) => ({
      start: pos[0],
      end: pos[1],
      message:
        code === "MULTIPLE_DOCS"
          ? "a second YAML document begins here, and a sweep file is one"
          : `this is not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
      expected: null,
      hint: message.startsWith("Flow") ? "a `{` or a `[` above is not closed" : (syntaxHints[code] ?? null),
    }))
    return { root: undefined, problems }
  }
  const builder = new Builder(lineOf)
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null)) return { root: undefined, problems: [] }
  const root = builder.build(contents, { start: 0, end: 0 })
  const problems = builder.problems.toSorted((a, b) => a.start - b.start)
  return { root: builder.incomplete ? undefined : root, problems }
}
