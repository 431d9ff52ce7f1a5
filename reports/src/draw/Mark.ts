// A drawing before it is in a page: a tree of SVG elements. Owns the shape, and its text for the report; the live page makes
// elements of it (page/live/dom.ts). Charts of the same data look the same in both. Colours are variables of the style
// sheet, words stand in both languages beside each other (see Say.ts).
import { html, type Html, unsafe } from "../Html.ts"

export interface Mark {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string | number | null>>
  readonly children: ReadonlyArray<Mark | string>
}

export const mark = (
  tag: string,
  attributes: Mark["attributes"],
  ...children: ReadonlyArray<Mark | string | null | ReadonlyArray<Mark | null>>
): Mark => ({
  tag,
  attributes,
  children: children.flat().filter((child) => child !== null),
})

/** A word of each language; a style rule hides one. */
export interface Both {
  readonly en: string
  readonly zh: string
}

export const words = (text: Both | string, attributes: Mark["attributes"]): ReadonlyArray<Mark> =>
  typeof text === "string" || text.en === text.zh
    ? [mark("text", attributes, typeof text === "string" ? text : text.en)]
    : [mark("text", { ...attributes, lang: "en" }, text.en), mark("text", { ...attributes, lang: "zh" }, text.zh)]

/** A whole drawing, of which `says` tells those who cannot see it. */
export const drawing = (
  { width, height, says }: { readonly width: number; readonly height: number; readonly says: Both },
  ...children: ReadonlyArray<Mark | null | ReadonlyArray<Mark | null>>
): Mark =>
  mark(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": says.en,
      "data-zh": says.zh === says.en ? null : says.zh,
      "font-family": "system-ui, sans-serif",
      "font-size": 11,
      fill: "var(--quiet)",
    },
    ...children,
  )

/** Of the report. */
export const markup = ({ tag, attributes, children }: Mark): Html =>
  html`${unsafe(`<${tag}`)}${Object.entries(attributes).map(([name, value]) =>
    value === null ? null : html`${unsafe(` ${name}`)}="${String(value)}"`,
  )}>${children.map((child) => (typeof child === "string" ? child : markup(child)))}${unsafe(`</${tag}>`)}`

/** Six figures are more than a screen can show. */
export const px = (value: number): number => Math.round(value * 10) / 10
