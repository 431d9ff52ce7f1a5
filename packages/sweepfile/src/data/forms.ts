// The forms that training data comes in, each with how LLaMA-Factory's dataset_info.json describes it. Owns recognising a
// form by the fields of records, and what a record of it has to have.
import type * as Schema from "effect/Schema"

export type DataRecord = Readonly<Record<string, unknown>>

export const forms = ["alpaca", "sharegpt", "openai", "preference", "kto", "text"] as const
export type Form = (typeof forms)[number]

/** An entry of dataset_info.json without its file. */
export type DatasetEntry = Readonly<Record<string, Schema.Json>>

const has = (record: DataRecord, key: string): boolean => Object.hasOwn(record, key)
const isRecord = (value: unknown): value is DataRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const promptKeys = ["instruction", "prompt", "question"]
const answerKeys = ["output", "completion", "response", "answer"]
const first = (record: DataRecord, keys: ReadonlyArray<string>): string | undefined =>
  keys.find((key) => has(record, key))

/** `undefined`: no form that is known here. */
export const formOf = (record: unknown): Form | undefined => {
  if (!isRecord(record)) return undefined
  const talk = first(record, ["conversations", "messages"])
  if (has(record, "chosen") && has(record, "rejected")) return "preference"
  const tagged = ["kto_tag", "label"].some((key) => typeof record[key] === "boolean")
  if (tagged && (talk !== undefined || first(record, answerKeys) !== undefined)) return "kto"
  if (talk === "conversations") return "sharegpt"
  if (talk === "messages") return "openai"
  if (first(record, promptKeys) !== undefined && first(record, answerKeys) !== undefined) return "alpaca"
  return has(record, "text") ? "text" : undefined
}

/** Tags of a conversation, by the words its first turns use. */
const conversation = (record: DataRecord): DatasetEntry => {
  const key = first(record, ["conversations", "messages"])!
  const turns = record[key]
  const turn = Array.isArray(turns) && isRecord(turns[0]) ? turns[0] : {}
  const roleTag = has(turn, "role") ? "role" : "from"
  const words = new Set(Array.isArray(turns) ? turns.map((one) => (isRecord(one) ? String(one[roleTag]) : "")) : [])
  const plain = words.has("user") || words.has("assistant")
  return {
    formatting: "sharegpt",
    columns: { messages: key, ...(has(record, "system") ? { system: "system" } : {}) },
    tags: {
      role_tag: roleTag,
      content_tag: has(turn, "content") ? "content" : "value",
      user_tag: plain ? "user" : "human",
      assistant_tag: plain ? "assistant" : "gpt",
      observation_tag: plain ? "tool" : "observation",
      function_tag: "function_call",
      system_tag: "system",
    },
  }
}

/** How LLaMA-Factory reads `records`, which are all of `form`. */
export const entryOf = (form: Form, records: ReadonlyArray<DataRecord>): DatasetEntry => {
  const record = records[0]!
  const some = (key: string) => records.some((one) => has(one, key))
  const optional = (column: string, key: string) => (some(key) ? { [column]: key } : {})
  if (form === "text") return { columns: { prompt: "text" } }
  const talks = first(record, ["conversations", "messages"]) !== undefined
  const base: DatasetEntry = talks
    ? conversation(record)
    : {
        columns: {
          prompt: first(record, promptKeys)!,
          ...optional("query", "input"),
          ...optional("system", "system"),
          ...optional("history", "history"),
        },
      }
  const columns = base["columns"] as Record<string, Schema.Json>
  if (form === "preference")
    return { ...base, ranking: true, columns: { ...columns, chosen: "chosen", rejected: "rejected" } }
  const answered = talks ? {} : { response: first(record, answerKeys)! }
  const tag = form === "kto" ? { kto_tag: has(record, "kto_tag") ? "kto_tag" : "label" } : {}
  const images = optional("images", "images")
  return { ...base, columns: { ...columns, ...answered, ...tag, ...images } }
}

/** The columns a record must have for `entry`. */
const needed = ["prompt", "response", "messages", "chosen", "rejected", "kto_tag"]

/** The first column of `entry` that `record` lacks. */
export const lacks = (entry: DatasetEntry, record: unknown): string | undefined => {
  const columns = isRecord(entry["columns"]) ? entry["columns"] : {}
  const keys = needed.flatMap((column) => (typeof columns[column] === "string" ? [columns[column]] : []))
  return keys.find((key) => !isRecord(record) || !has(record, key) || record[key] === null)
}

/** Forms that a stage can be trained on. */
export const formsOfStage: Readonly<Record<string, ReadonlyArray<Form>>> = {
  sft: ["alpaca", "sharegpt", "openai"],
  pt: ["text", "alpaca", "sharegpt", "openai"],
  dpo: ["preference"],
  rm: ["preference"],
  kto: ["kto"],
}
