// A sentence with gaps, as data: what fills them is named, not there yet. Owns the form, and filling it in; because it is
// data, the store makes the SQL of its views from the same sentences.

/** A gap, and how its argument is written. */
export type Gap =
  | { readonly as: "text"; readonly of: string }
  /** Four significant digits; `null` is "not a number". */
  | { readonly as: "number"; readonly of: string }
  /** The number with the word for one or for many. */
  | { readonly as: "plural"; readonly of: string; readonly one: string; readonly many: string }
  /** A sentence for each word that the argument can be. */
  | { readonly as: "choice"; readonly of: string; readonly options: Readonly<Record<string, Phrase>> }
  /** Nothing when the argument is `null`. */
  | { readonly as: "optional"; readonly of: string; readonly phrase: Phrase }
  /** Names in a row, each as code; `none` where there is none. */
  | { readonly as: "names"; readonly of: string; readonly none: string }
  /** The sentence of another reason. */
  | { readonly as: "reason"; readonly of: string }

export type Phrase = ReadonlyArray<string | Gap>

/** A gap for each argument, made when it is asked for: they cannot be spread. */
export type Gaps<Arguments> = { readonly [Name in keyof Arguments]: Gap & { readonly argument?: Arguments[Name] } }

type GapOf<Argument> = Gap & { readonly argument?: Argument }

export const say = (texts: TemplateStringsArray, ...gaps: ReadonlyArray<Gap | Phrase>): Phrase =>
  texts.flatMap((text, i) => {
    const gap = i === 0 ? undefined : gaps[i - 1]!
    return [...(gap === undefined ? [] : "as" in gap ? [gap] : gap), ...(text === "" ? [] : [text])]
  })

export const number = ({ of }: GapOf<number | null>): Gap => ({ as: "number", of })
export const plural = ({ of }: GapOf<number | null>, one: string, many = `${one}s`): Gap => ({
  as: "plural",
  of,
  one,
  many,
})
export const choice = <Word extends string>({ of }: GapOf<Word>, options: Readonly<Record<Word, Phrase>>): Gap => ({
  as: "choice",
  of,
  options,
})
export const optional = ({ of }: GapOf<unknown>, phrase: Phrase): Gap => ({ as: "optional", of, phrase })
export const names = ({ of }: GapOf<ReadonlyArray<string>>, none = "–"): Gap => ({ as: "names", of, none })
export const reason = ({ of }: GapOf<{ readonly _tag: string }>): Gap => ({ as: "reason", of })

const gaps: Readonly<Record<string, Gap>> = new Proxy({}, { get: (_, of) => ({ as: "text", of }) })

/** The sentence that `make` describes. */
export const phraseOf = <Arguments>(make: (gaps: Gaps<Arguments>) => Phrase): Phrase => make(gaps as Gaps<Arguments>)

/** How a language writes what is in a gap. */
export interface Words {
  readonly notANumber: string
  /** Between two of a list. */
  readonly comma: string
  readonly reason: (reason: { readonly _tag: string }) => string
}

const short = (value: number): string => Number(value.toPrecision(4)).toString()

export const fill = (phrase: Phrase, values: object, words: Words): string =>
  phrase
    .map((piece) => {
      if (typeof piece === "string") return piece
      const value = (values as Readonly<Record<string, unknown>>)[piece.of]
      switch (piece.as) {
        case "text":
          return String(value)
        case "number":
          return typeof value === "number" ? short(value) : words.notANumber
        case "plural":
          return `${value as number} ${value === 1 ? piece.one : piece.many}`
        case "choice":
          return fill(piece.options[String(value)] ?? [String(value)], values, words)
        case "optional":
          return value === null ? "" : fill(piece.phrase, values, words)
        case "names":
          return (value as ReadonlyArray<string>).map((name) => `\`${name}\``).join(words.comma) || piece.none
        case "reason":
          return words.reason(value as { readonly _tag: string })
      }
    })
    .join("")
