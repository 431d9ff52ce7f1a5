// A training example of any form as one conversation. Owns the conversion between forms; what is wrong with a record is
// checkRecord's.
import type { DataRecord, Form } from "./forms.ts"

export interface Turn {
  readonly role: "system" | "user" | "assistant" | "tool"
  readonly content: string
}

export interface Example {
  readonly system: string
  /** Without the system prompt; the last one is the answer, unless there is a preference. */
  readonly turns: ReadonlyArray<Turn>
  /** Instead of an answer. */
  readonly preference?: { readonly chosen: string; readonly rejected: string }
  /** Whether the answer is a good one; only in `kto`. */
  readonly desirable?: boolean
  /** Plain text to continue with; there are no turns. */
  readonly text?: string
}

const roles: Readonly<Record<string, Turn["role"]>> = {
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  model: "assistant",
  chatgpt: "assistant",
  bing: "assistant",
  system: "system",
  tool: "tool",
  observation: "tool",
  function: "tool",
  function_call: "assistant",
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")
const isObject = (value: unknown): value is DataRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What a turn of a conversation says, and who says it; `undefined`: nobody who is known. */
export const turnOf = (value: unknown): Turn | undefined => {
  if (!isObject(value)) return undefined
  const role = roles[text(value["role"] ?? value["from"]).toLowerCase()]
  const content = value["content"] ?? value["value"]
  return role === undefined || typeof content !== "string" ? undefined : { role, content }
}

const turnsOf = (value: unknown): ReadonlyArray<Turn> =>
  Array.isArray(value) ? value.flatMap((turn) => turnOf(turn) ?? []) : []

/** An answer as text, or as a turn, or as a list of turns whose last one it is. */
export const answerOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value
  return (Array.isArray(value) ? turnsOf(value).at(-1) : turnOf(value))?.content
}

const single = (record: DataRecord): Array<Turn> => {
  const history = Array.isArray(record["history"]) ? record["history"] : []
  const turns: Array<Turn> = []
  for (const pair of history) {
    if (!Array.isArray(pair)) continue
    turns.push({ role: "user", content: text(pair[0]) }, { role: "assistant", content: text(pair[1]) })
  }
  const prompt = record["instruction"] ?? record["prompt"] ?? record["question"]
  if (Array.isArray(prompt)) return [...turns, ...turnsOf(prompt)]
  const input = text(record["input"])
  turns.push({ role: "user", content: input === "" ? text(prompt) : `${text(prompt)}\n${input}` })
  return turns
}

/** Of a record that has no defects. */
export const exampleOf = (record: DataRecord, form: Form): Example => {
  if (form === "text") return { system: "", turns: [], text: text(record["text"]) }
  const talk = record["messages"] ?? record["conversations"]
  const all = Array.isArray(talk) ? [...turnsOf(talk)] : single(record)
  const system = text(record["system"]) || (all.find(({ role }) => role === "system")?.content ?? "")
  const turns = all.filter(({ role }) => role !== "system")
  if (form === "preference") {
    const preference = { chosen: answerOf(record["chosen"]) ?? "", rejected: answerOf(record["rejected"]) ?? "" }
    return { system, turns, preference }
  }
  if (!Array.isArray(talk)) {
    const answer = record["output"] ?? record["completion"] ?? record["response"] ?? record["answer"]
    turns.push({ role: "assistant", content: answerOf(answer) ?? "" })
  }
  const tag = record["kto_tag"] ?? record["label"]
  return form === "kto" ? { system, turns, desirable: tag === true } : { system, turns }
}

export const questionOf = ({ turns, text: plain, preference }: Example): string =>
  plain ?? JSON.stringify((preference === undefined ? turns.slice(0, -1) : turns).map(({ content }) => content.trim()))

export const lastAnswer = ({ turns, text: plain, preference }: Example): string =>
  plain ?? preference?.chosen ?? turns.at(-1)?.content ?? ""

/** As Alpaca has it: earlier turns are history. `undefined` where turns do not alternate. */
const alpaca = ({ system, turns }: Example, answered: boolean): Record<string, unknown> | undefined => {
  const questions = answered ? turns.slice(0, -1) : turns
  const question = questions.at(-1)
  const before = questions.slice(0, -1)
  const alternate = before.every(({ role }, i) => role === (i % 2 === 0 ? "user" : "assistant"))
  if (question?.role !== "user" || !alternate || before.length % 2 === 1) return undefined
  const history = before.flatMap(({ content }, i) => (i % 2 === 0 ? [[content, before[i + 1]!.content]] : []))
  return {
    instruction: question.content,
    input: "",
    ...(answered ? { output: turns.at(-1)!.content } : {}),
    ...(system === "" ? {} : { system }),
    ...(history.length === 0 ? {} : { history }),
  }
}

/** The example in another form; `undefined` where that form cannot say it. */
export const inForm = (example: Example, form: Form): DataRecord | undefined => {
  const { system, turns, preference, desirable, text: plain } = example
  if (form === "text") {
    return { text: plain ?? [...(system === "" ? [] : [system]), ...turns.map(({ content }) => content)].join("\n\n") }
  }
  if (plain !== undefined) return undefined
  if ((form === "preference") !== (preference !== undefined)) return undefined
  switch (form) {
    case "alpaca":
      return alpaca(example, true)
    case "preference": {
      const asked = alpaca(example, false)
      return asked === undefined ? undefined : { ...asked, ...preference }
    }
    case "kto": {
      const asked = alpaca(example, true)
      return asked === undefined || desirable === undefined ? undefined : { ...asked, kto_tag: desirable }
    }
    case "openai":
      return { messages: [...(system === "" ? [] : [{ role: "system", content: system }]), ...turns] }
    case "sharegpt": {
      const names = { user: "human", assistant: "gpt", tool: "observation", system: "system" }
      const conversations = turns.map(({ role, content }) => ({ from: names[role], value: content }))
      return system === "" ? { conversations } : { conversations, system }
    }
  }
}
