// Elements from data. Whatever is put in as a child is text, so that nothing a user or a trainer wrote is markup.
import type { Mark } from "../../src/draw/Mark.ts"
import { plain } from "../../src/Html.ts"
import { language } from "./words/words.ts"

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
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, plain(String(value)))
  }
  element.append(...texts(children.flat()))
  return element
}

const texts = (children: ReadonlyArray<Child>): ReadonlyArray<Node | string> =>
  children.flatMap((child) =>
    child === null || child === undefined || child === false
      ? []
      : [typeof child === "number" ? String(child) : typeof child === "string" ? plain(child) : child],
  )

export const fill = (element: Element, ...children: ReadonlyArray<Child>): void => {
  element.replaceChildren(...texts(children))
}

const namespace = "http://www.w3.org/2000/svg"

/** A drawing that the report has, too; words of the other language are left out. */
export const drawn = ({ tag, attributes, children }: Mark): SVGElement => {
  const element = document.createElementNS(namespace, tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && name !== "data-zh") element.setAttribute(name, plain(String(value)))
  }
  const said = attributes["data-zh"]
  if (typeof said === "string" && language() === "zh") element.setAttribute("aria-label", plain(said))
  for (const child of children) {
    if (typeof child === "string") element.append(plain(child))
    else if (child.attributes["lang"] === undefined || child.attributes["lang"] === language())
      element.append(drawn(child))
  }
  return element
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

/** Several calls within a frame are one. */
export const once = (draw: () => void): (() => void) => {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      draw()
    })
  }
}
