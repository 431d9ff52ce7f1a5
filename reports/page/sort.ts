// Tables sorted by a heading. Cells carry what they are sorted by in `data-v`; cells without stay last either way.
const compare = (a: string, b: string): number => {
  const [x, y] = [Number(a), Number(b)]
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y
}

export const sortableTables = (): void => {
  for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) {
    const headings = [...table.querySelectorAll<HTMLElement>("thead th")]
    const body = table.tBodies[0]!
    for (const [column, heading] of headings.entries()) {
      heading.querySelector("[data-sort]")?.addEventListener("click", () => {
        const descending = heading.getAttribute("aria-sort") === "ascending"
        for (const other of headings) other.removeAttribute("aria-sort")
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending")
        const value = (row: HTMLTableRowElement) => row.cells[column]?.dataset["v"]
        const rows = [...body.rows].toSorted((left, right) => {
          const [a, b] = [value(left), value(right)]
          if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
          return descending ? compare(b, a) : compare(a, b)
        })
        body.append(...rows)
      })
    }
  }
}
