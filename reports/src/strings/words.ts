// What the sentences of both languages are made with. Every word of the report stands in this folder, in English and Chinese:
// the wording and nothing else. Numbers arrive formatted, names arrive as they are; what trainers and models wrote is shown
// as it came, in its own language.
import { html, type Piece } from "../Html.ts"

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
export const strong = (piece: Piece): Piece => html`<strong>${piece}</strong>`
export const code = (piece: Piece): Piece => html`<code>${piece}</code>`
