// What is wrong with one record of training data, by itself. Owns the list of defects; duplicates, overlaps and lengths,
// which need the other records or a tokenizer, are the file check's.
import { didYouMean } from "../parse/Field.ts"
import { answerOf, turnOf } from "./example.ts"
import { type DataRecord, type Form, formOf } from "./forms.ts"

export type DefectCode =
  | "not_object"
  | "unknown_form"
  | "other_form"
  | "missing_field"
  | "misspelt_field"
  | "wrong_type"
  | "empty_question"
  | "empty_answer"
  | "answer_repeats_question"
  | "placeholder_answer"
  | "empty_conversation"
  | "bad_turn"
  | "unknown_role"
  | "roles_do_not_alternate"
  | "no_final_answer"
  | "chosen_is_rejected"
  | "control_characters"
  | "replacement_character"
  | "wrongly_decoded"
  | "special_tokens"
  | "bad_history"

export interface Defect {
  readonly code: DefectCode
  readonly field: string | null
  /** What stands there, shortened. */
  readonly found: string | null
}

/** Not errors: such a record trains, and may be meant. */
export const doubtful: ReadonlySet<string> = new Set<DefectCode>([
  "answer_repeats_question",
  "placeholder_answer",
  "special_tokens",
  "wrongly_decoded",
])

const known = [
  ..."instruction input output system history images prompt question completion response answer text".split(" "),
  ..."messages conversations chosen rejected kto_tag label tools id source".split(" "),
]

const defect = (code: DefectCode, field: string | null = null, found: unknown = null): Defect => ({
  code,
  field,
  found: found === null || found === undefined ? null : (JSON.stringify(found) ?? String(found)).slice(0, 60),
})

const describe = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `a ${typeof value}`

const isObject = (value: unknown): value is DataRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/
/** UTF-8 read as Latin-1 or Windows-1252: é as Ã©, ’ as â€™, 你 as ä½ . */
const wronglyDecoded =
  /Ã[\u0080-\u00bf©¨ª«¬®¯°±²³´µ¶¼½¾]|â€[™œ\u009d“”˜¦¢]|[äåæçè][\u00a0-\u00bf\u0080-\u009f‚„†‡‰‹‘’“”•–—™›½¼]{2}/
const special =
  /<\|(?:im_start|im_end|endoftext|eot_id|begin_of_text|start_header_id|end_header_id)\|>|<\/s>|\[\/?INST\]|<<SYS>>/
const placeholder = /^(?:todo|tbd|n\/?a|none|null|nan|lorem ipsum.*|\.{3}|-+|\?+|xxx+)$/i

const inText = (field: string, text: string): ReadonlyArray<Defect> => [
  ...(controls.test(text) ? [defect("control_characters", field)] : []),
  ...(text.includes("\ufffd") ? [defect("replacement_character", field)] : []),
  ...(wronglyDecoded.test(text) ? [defect("wrongly_decoded", field, wronglyDecoded.exec(text)![0])] : []),
  ...(special.test(text) ? [defect("special_tokens", field, special.exec(text)![0])] : []),
]

const inAnswer = (field: string, answer: string, question: string): ReadonlyArray<Defect> => {
  if (answer.trim() === "") return [defect("empty_answer", field)]
  return [
    ...(question.trim() !== "" && answer.trim() === question.trim() ? [defect("answer_repeats_question", field)] : []),
    ...(placeholder.test(answer.trim()) ? [defect("placeholder_answer", field, answer.trim())] : []),
  ]
}

const inTurns = (field: string, value: unknown, answered: boolean): ReadonlyArray<Defect> => {
  if (!Array.isArray(value)) return [defect("wrong_type", field, describe(value))]
  if (value.length === 0) return [defect("empty_conversation", field)]
  const found: Array<Defect> = []
  const turns = value.map((turn, i) => {
    const at = `${field}[${i}]`
    const read = turnOf(turn)
    if (read === undefined) {
      const role = isObject(turn) ? (turn["role"] ?? turn["from"]) : undefined
      const content = isObject(turn) ? (turn["content"] ?? turn["value"]) : undefined
      const bad = role === undefined || typeof content !== "string"
      found.push(
        bad ? defect("bad_turn", at, describe(bad ? (content ?? turn) : turn)) : defect("unknown_role", at, role),
      )
      return undefined
    }
    found.push(...inText(at, read.content))
    if (read.role === "user" && read.content.trim() === "") found.push(defect("empty_question", at))
    return read
  })
  if (turns.includes(undefined)) return found
  const talk = turns.filter((turn) => turn !== undefined && turn.role !== "system")
  const wrong = talk.findIndex((turn, i) => {
    const before = talk[i - 1]?.role
    return turn!.role === "user" ? before === "user" : turn!.role === "assistant" && (i === 0 || before === "assistant")
  })
  if (wrong !== -1) found.push(defect("roles_do_not_alternate", `${field}[${wrong}]`, talk[wrong]!.role))
  const last = talk.at(-1)
  if (answered && last?.role !== "assistant") found.push(defect("no_final_answer", field, last?.role ?? null))
  else if (answered) found.push(...inAnswer(`${field}[${value.length - 1}]`, last!.content, talk.at(-2)?.content ?? ""))
  return found
}

const promptKeys = ["instruction", "prompt", "question"]
const answerKeys = ["output", "completion", "response", "answer"]

/** What a file of `form` needs and `record`, being of no form, lacks. */
const missing = (record: DataRecord, form: Form): ReadonlyArray<Defect> => {
  const has = (key: string) => Object.hasOwn(record, key)
  const lacks = (keys: ReadonlyArray<string>): ReadonlyArray<string> => (keys.some(has) ? [] : [keys[0]!])
  const wanted: Readonly<Record<Form, ReadonlyArray<string>>> = {
    alpaca: [...lacks(promptKeys), ...lacks(answerKeys)],
    sharegpt: lacks(["conversations"]),
    openai: lacks(["messages"]),
    preference: [...lacks(["chosen"]), ...lacks(["rejected"])],
    kto: [...lacks([...promptKeys, "messages", "conversations"]), ...lacks(["kto_tag", "label"])],
    text: lacks(["text"]),
  }
  const fields = Object.keys(record)
  return wanted[form].map((field) => {
    const near = fields.find((key) => !known.includes(key) && didYouMean(key, [field]) !== null)
    return near === undefined ? defect("missing_field", field) : defect("misspelt_field", field, near)
  })
}

/** The defects of a record in a file of `form`. */
export const defectsIn = (record: unknown, form: Form): ReadonlyArray<Defect> => {
  if (!isObject(record)) return [defect("not_object", null, record)]
  const lacking = missing(record, form)
  if (lacking.length > 0) {
    const own = formOf(record)
    return own !== undefined && own !== form ? [defect("other_form", null, own)] : lacking
  }
  const texts: Array<Defect> = []
  for (const key of [
    "instruction",
    "input",
    "output",
    "system",
    "text",
    "prompt",
    "completion",
    "response",
    "answer",
  ]) {
    const value = record[key]
    if (value === undefined) continue
    if (typeof value === "string") texts.push(...inText(key, value))
    else if (!(value === null && (key === "input" || key === "system")) && !(key === "prompt" && Array.isArray(value)))
      texts.push(defect("wrong_type", key, describe(value)))
  }
  if (form === "text") {
    const blank = typeof record["text"] === "string" && record["text"].trim() === ""
    return blank ? [...texts, defect("empty_answer", "text")] : texts
  }
  const talkKey = ["messages", "conversations"].find((key) => Object.hasOwn(record, key))
  const promptKey = promptKeys.find((key) => Object.hasOwn(record, key)) ?? "instruction"
  const question = [record[promptKey], record["input"]].filter((part) => typeof part === "string").join("\n")
  if (talkKey !== undefined) texts.push(...inTurns(talkKey, record[talkKey], form !== "preference"))
  else if (typeof record[promptKey] === "string" && question.trim() === "")
    texts.push(defect("empty_question", promptKey))
  if (form === "preference") {
    const [chosen, rejected] = ["chosen", "rejected"].map((key) => {
      const answer = answerOf(record[key])
      if (answer === undefined) texts.push(defect("wrong_type", key, describe(record[key])))
      else texts.push(...inText(key, answer), ...inAnswer(key, answer, ""))
      return answer
    })
    if (chosen !== undefined && chosen === rejected) texts.push(defect("chosen_is_rejected", "chosen"))
    return texts
  }
  if (form === "kto") {
    const key = Object.hasOwn(record, "kto_tag") ? "kto_tag" : "label"
    if (typeof record[key] !== "boolean") texts.push(defect("wrong_type", key, describe(record[key])))
  }
  if (talkKey === undefined) {
    const key = answerKeys.find((name) => Object.hasOwn(record, name))!
    const answer = record[key]
    if (typeof answer === "string") texts.push(...inAnswer(key, answer, question))
  }
  const { history } = record
  const isPair = (turn: unknown) =>
    Array.isArray(turn) && turn.length === 2 && turn.every((part) => typeof part === "string")
  if (history !== undefined && history !== null && !(Array.isArray(history) && history.every(isPair)))
    texts.push(defect("bad_history", "history", describe(history)))
  return texts
}
