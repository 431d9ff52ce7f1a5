// Changing the texts of plain data: redaction and the paths of source snapshots.

/** Every text in a value that is plain data, through `change`; names of fields through `rename`. */
export const mapTexts = <A>(
  value: A,
  change: (text: string) => string,
  rename: (name: string) => string = (name) => name,
): A => {
  const walk = (part: unknown): unknown => {
    if (typeof part === "string") return change(part)
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part !== "object" || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, item]) => [rename(name), walk(item)]))
  }
  return walk(value) as A
}
