// Whether whatever one JSON Schema accepts is accepted by another, for the part of JSON Schema that the program's own
// schemas use. Owns the comparison; what is compared is contracts.mjs's.

const resolve = (schema, defs) => (schema?.$ref === undefined ? schema : defs[schema.$ref.split("/").at(-1)])
const membersOf = (schema) => schema.anyOf ?? schema.oneOf ?? [schema]

/** The keys that only annotate. */
const silent = new Set(["title", "description", "default", "examples", "$defs", "format"])
const shapes = new Set(
  (
    "$ref anyOf oneOf allOf type enum const properties patternProperties required additionalProperties items prefixItems " +
    "minItems maxItems minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength multipleOf pattern"
  ).split(" "),
)

/** `type` with number taking in integer. */
const takesType = (newer, older) =>
  newer.type === undefined || newer.type === older.type || (newer.type === "number" && older.type === "integer")

const bounds = [
  ["minimum", (newer, older) => newer <= older],
  ["exclusiveMinimum", (newer, older) => newer <= older],
  ["maximum", (newer, older) => newer >= older],
  ["exclusiveMaximum", (newer, older) => newer >= older],
  ["minItems", (newer, older) => newer <= older],
  ["maxItems", (newer, older) => newer >= older],
  ["minLength", (newer, older) => newer <= older],
  ["maxLength", (newer, older) => newer >= older],
]

/** What `older` accepts and `newer` does not, each with where; empty when there is nothing. */
export const readProblems = (older, newer) => {
  const [olderDefs, newerDefs] = [older.$defs ?? {}, newer.$defs ?? {}]
  /** Pairs under comparison: schemas refer to themselves. */
  const open = new Set()

  const compare = (before, after, at) => {
    const pair = `${before?.$ref ?? ""}|${after?.$ref ?? ""}`
    if (before?.$ref !== undefined && after?.$ref !== undefined) {
      if (open.has(pair)) return []
      open.add(pair)
    }
    try {
      return compareResolved(resolve(before, olderDefs), resolve(after, newerDefs), at)
    } finally {
      open.delete(pair)
    }
  }

  const compareResolved = (before, after, at) => {
    if (after === true || Object.keys(after).every((key) => silent.has(key))) return []
    if (before === true || before === false) return before === false ? [] : [`${at}: anything was allowed`]
    for (const key of Object.keys(after)) {
      if (!shapes.has(key) && !silent.has(key)) throw new Error(`${at}: the comparison does not know '${key}'`)
    }
    const [befores, afters] = [membersOf(before), membersOf(after)]
    if (befores.length === 1 && afters.length === 1) return compareOne(befores[0], afters[0], at)
    // Every alternative of before needs one that takes it; the closest miss is what is told.
    return befores.flatMap((one) => {
      const misses = afters.map((other) => compare(one, other, at))
      const tag =
        resolve(one, olderDefs)?.properties?._tag?.enum?.[0] ?? resolve(one, olderDefs)?.properties?.type?.enum?.[0]
      if (misses.some((miss) => miss.length === 0)) return []
      const same = afters.findIndex((other) => {
        const { _tag, type } = resolve(other, newerDefs)?.properties ?? {}
        return tag !== undefined && (_tag?.enum?.[0] === tag || type?.enum?.[0] === tag)
      })
      return same === -1
        ? [`${at}: ${tag ?? JSON.stringify(one).slice(0, 80)} is gone`]
        : misses[same].map((miss) => `${tag}${miss.slice(at.length)}`)
    })
  }

  const compareOne = (first, second, at) => {
    const before = resolve(first, olderDefs)
    const after = resolve(second, newerDefs)
    if (before.anyOf !== undefined || after.anyOf !== undefined) return compareResolved(before, after, at)
    const found = []
    if (!takesType(after, before)) return [`${at}: was ${before.type ?? "anything"}, is ${after.type}`]
    const values = before.enum ?? (before.const === undefined ? undefined : [before.const])
    const taken = after.enum ?? (after.const === undefined ? undefined : [after.const])
    if (taken !== undefined) {
      const lost = values === undefined ? ["any other value"] : values.filter((value) => !taken.includes(value))
      if (lost.length > 0) found.push(`${at}: ${lost.map(String).join(", ")} is no longer allowed`)
    }
    for (const [key, wider] of bounds) {
      if (after[key] !== undefined && (before[key] === undefined || !wider(after[key], before[key]))) {
        found.push(`${at}: ${key} was ${before[key] ?? "open"}, is ${after[key]}`)
      }
    }
    if (after.pattern !== undefined && after.pattern !== before.pattern) found.push(`${at}: its pattern has changed`)
    if (JSON.stringify(after.allOf) !== JSON.stringify(before.allOf)) {
      const added = (after.allOf ?? []).filter(
        (one) => !(before.allOf ?? []).some((two) => JSON.stringify(one) === JSON.stringify(two)),
      )
      if (added.length > 0) found.push(`${at}: has a new condition ${JSON.stringify(added[0])}`)
    }
    for (const name of after.required ?? []) {
      if (!(before.required ?? []).includes(name)) found.push(`${at}.${name}: is required and was not`)
    }
    for (const [name, property] of Object.entries(after.properties ?? {})) {
      const earlier = before.properties?.[name]
      if (earlier !== undefined) found.push(...compare(earlier, property, `${at}.${name}`))
    }
    if (after.additionalProperties === false) {
      for (const name of Object.keys(before.properties ?? {})) {
        if (after.properties?.[name] === undefined) found.push(`${at}.${name}: is no longer allowed`)
      }
    } else if (typeof after.additionalProperties === "object" && typeof before.additionalProperties === "object") {
      found.push(...compare(before.additionalProperties, after.additionalProperties, `${at}.*`))
    }
    if (after.items !== undefined && before.items !== undefined)
      found.push(...compare(before.items, after.items, `${at}[]`))
    for (const [i, item] of (after.prefixItems ?? []).entries()) {
      const earlier = before.prefixItems?.[i] ?? before.items
      if (earlier !== undefined) found.push(...compare(earlier, item, `${at}[${i}]`))
    }
    return found
  }

  return compare(older, newer, "it")
}
