// The English sentences of reasons and origins as SQL, for the views that people read. Owns turning a phrase of domain's
// catalogue into an expression over the JSON of a code; a text of a fact from before there were codes stays as it is.
import type { Phrase } from "@sweep/domain/Phrase"
import { reasonPhrases } from "@sweep/domain/reasonSentence"

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Four significant digits, as `fill` writes them. */
const short = (value: string): string =>
  `CASE WHEN ${value} = 0 THEN '0' ELSE regexp_replace(regexp_replace(round(${value}, 3 - floor(log10(abs(${value})))::INTEGER)::VARCHAR, '\\.0$', ''), 'e([+-])0', 'e\\1') END`

const namesSql = (list: string, none: string): string =>
  `coalesce(nullif(array_to_string(list_transform(${list}::VARCHAR[], lambda name: '\`' || name || '\`'), ', '), ''), ${quoted(none)})`

/** `code`: an expression of the JSON that fills the gaps. The sentence that it holds is its caller's to append. */
const phraseSql = (phrase: Phrase, code: string): string => {
  const parts = phrase.flatMap((piece) => {
    if (typeof piece === "string") return [quoted(piece)]
    const text = `(${code}->>${quoted(piece.of)})`
    switch (piece.as) {
      case "text":
        return [text]
      case "number":
        return [`CASE WHEN ${text} IS NULL THEN 'not a number' ELSE ${short(`${text}::DOUBLE`)} END`]
      case "plural":
        return [`${text}`, `CASE ${text} WHEN '1' THEN ${quoted(` ${piece.one}`)} ELSE ${quoted(` ${piece.many}`)} END`]
      case "choice":
        return [`CASE ${text} ${whenSql(piece.options, code)} ELSE ${text} END`]
      case "optional":
        return [`CASE WHEN ${text} IS NULL THEN '' ELSE ${phraseSql(piece.phrase, code)} END`]
      case "names":
        return [namesSql(`(${code}->${quoted(piece.of)})`, piece.none)]
      case "reason":
        return []
    }
  })
  return parts.length === 0 ? "''" : `(${parts.join(" || ")})`
}

const whenSql = (phrases: Readonly<Record<string, Phrase>>, code: string): string =>
  Object.entries(phrases)
    .map(([word, phrase]) => `WHEN ${quoted(word)} THEN ${phraseSql(phrase, code)}`)
    .join(" ")

const holdsAnother = ([, phrase]: readonly [string, Phrase]): boolean =>
  phrase.some((piece) => typeof piece !== "string" && piece.as === "reason")
const english = Object.entries(reasonPhrases("en"))
const following = Object.fromEntries(english.filter(holdsAnother))
const plain = Object.fromEntries(english.filter((entry) => !holdsAnother(entry)))

const tag = (code: string): string => `${code}->>'_tag'`
/** Binds an expression once, however often `body` names it. */
const binding = (value: string, name: string, body: string): string =>
  `list_transform([${value}], lambda ${name}: ${body})[1]`

const beginning = (code: string): string => `CASE ${tag(code)} ${whenSql(following, code)} ELSE '' END`

/** The text of the reason in `json`; a reason holds at most two others, one in the other, and ends with them. */
export const reasonSql = (json: string): string =>
  binding(
    json,
    "code",
    `CASE WHEN code IS NULL THEN NULL WHEN json_type(code) = 'VARCHAR' THEN code->>'$' ELSE ${beginning("code")} || ${beginning("(code->'last')")} || ${binding(
      "coalesce(code->'$.last.last', code->'last', code)",
      "innermost",
      `CASE ${tag("innermost")} ${whenSql(plain, "innermost")} ELSE ${tag("innermost")} END`,
    )} END`,
  )

/** The text of the origin in `json`, as `originText` has it. */
export const originSql = (json: string): string =>
  binding(
    json,
    "code",
    `CASE WHEN json_type(code) = 'VARCHAR' THEN code->>'$' ELSE CASE ${tag("code")} WHEN 'Sampler' THEN 'sampler' WHEN 'Enqueued' THEN 'enqueue' WHEN 'Replica' THEN 'replica of ' || (code->>'of') ELSE 'clone of ' || (code->>'of') END END`,
  )
