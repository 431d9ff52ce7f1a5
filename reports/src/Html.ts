// Markup that escapes by default. Owns the `html` tag, the one explicit way round it (`unsafe`) and JSON inside a
// script element. Whatever a person, a trainer or a model wrote reaches the page through here and nowhere else; it is
// text, never markup and never a link.

export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

/** What may stand in a hole of the template: text is escaped, `Html` is kept, nothing comes of null and false. */
export type Piece = Html | string | number | null | undefined | false | ReadonlyArray<Piece>

/** Markup as it is. Only for text this package wrote itself. */
export const unsafe = (markup: string): Html => new Html(markup)

const named: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
}

// ESC [ … letter and ESC ] … BEL: what terminals read as colours, cursor moves and titles.
// oxlint-disable-next-line no-control-regex
const terminal = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g
// Marks that reorder the text around them: they could make one name look like another.
const reordering = /[\u202a-\u202e\u2066-\u2069]/g

/** Text without terminal codes; other control and reordering characters become visible, as `[U+202E]`. */
export const plain = (text: string): string =>
  text
    .replace(/\r\n?/g, "\n")
    .replace(terminal, "")
    .replace(control, "\ufffd")
    .replace(reordering, (mark) => `[U+${mark.codePointAt(0)!.toString(16).toUpperCase()}]`)

/** Safe as text and within a quoted attribute. */
export const escape = (text: string): string => plain(text).replace(/[&<>"'`]/g, (character) => named[character]!)

const render = (piece: Piece): string => {
  if (piece === null || piece === undefined || piece === false) return ""
  if (piece instanceof Html) return piece.markup
  if (typeof piece === "object") return piece.map(render).join("")
  return escape(String(piece))
}

/** Holes stand between tags or within a quoted attribute; nowhere else. */
export const html = (strings: TemplateStringsArray, ...pieces: ReadonlyArray<Piece>): Html =>
  new Html(String.raw({ raw: strings }, ...pieces.map(render)))

export const join = (pieces: ReadonlyArray<Piece>, separator: Piece): Html =>
  html`${pieces.flatMap((piece, index) => (index === 0 ? [piece] : [separator, piece]))}`

/** JSON that cannot end the script element it stands in. Numbers that are not finite become null. */
export const scriptJson = (value: unknown): Html =>
  new Html(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
    ),
  )
