// Elements from data. Whatever is put in as a child is text, so that nothing a user or a trainer wrote is markup.
export type Child = Node | string | number | null | undefined | false
type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | null | undefined>>

export const h = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Child | ReadonlyArray<Child>>
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, "")
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...texts(children.flat()))
  return element
}

const texts = (children: ReadonlyArray<Child>): ReadonlyArray<Node | string> =>
  children.flatMap((child) =>
    child === null || child === undefined || child === false ? [] : [typeof child === "number" ? String(child) : child],
  )

export const fill = (element: Element, ...children: ReadonlyArray<Child>): void => {
  element.replaceChildren(...texts(children))
}

/** Keeps one element per kind of change: it is made again only where what it shows has changed. */
export const whenChanged = () => {
  let last = ""
  return (value: unknown, draw: () => void): void => {
    const text = JSON.stringify(value)
    if (text === last) return
    last = text
    draw()
  }
}
