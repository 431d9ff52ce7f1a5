// Text in the two languages of the report. Both stand in the page and a style rule hides one, so that switching needs no
// network, no redrawing and almost no script. Owns the markup of it; the words are in strings/.
import { html, type Html, type Piece } from "./Html.ts"

export interface Text {
  readonly en: Piece
  readonly zh: Piece
}

/** Inline text: may stand wherever a span may. */
export const say = ({ en, zh }: Text): Html =>
  en === zh ? html`${en}` : html`<span lang="en">${en}</span><span lang="zh">${zh}</span>`
