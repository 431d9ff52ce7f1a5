// What `sweep data check` prints of a report. Owns the words for its codes.
import type { DataReport, DefectGroup } from "./checkFile.ts"

const words: Readonly<Record<string, string>> = {
  not_utf8: "not UTF-8 text; convert it, for example with iconv",
  not_json: "no JSON from here on",
  too_long_record: "longer than 64 MiB",
  not_a_list: "the file is no JSON array of records",
  unfinished: "the file ends in the middle",
  columns: "a row with another number of columns than the header",
  not_object: "no object",
  unknown_form: "of no form that is known: alpaca, sharegpt, openai, preference, kto or text",
  other_form: "of another form than the file",
  missing_field: "a field is missing",
  misspelt_field: "a field is missing, and there is one with a similar name",
  wrong_type: "a field holds something else than it should",
  empty_question: "the question is empty",
  empty_answer: "the answer is empty",
  answer_repeats_question: "the answer is the question again",
  placeholder_answer: "the answer is a placeholder",
  empty_conversation: "a conversation without turns",
  bad_turn: "a turn without a role or a text",
  unknown_role: "a role that is not known",
  roles_do_not_alternate: "questions and answers do not alternate",
  no_final_answer: "the conversation does not end with an answer",
  chosen_is_rejected: "`chosen` and `rejected` are the same",
  control_characters: "control characters in the text",
  replacement_character: "\ufffd, where a character was lost in an earlier conversion",
  wrongly_decoded: "looks like UTF-8 that was read as another encoding",
  special_tokens: "a chat template's tokens in the text; the template adds its own",
  bad_history: "`history` is no list of [question, answer] pairs",
  duplicate: "the same example again",
  same_question: "the same question with another answer",
  too_long: "longer than the cut-off: its end is not trained",
  in_eval: "eval records that are trained on, too",
  question_in_eval: "eval records whose question is trained on with another answer",
}

const group = ({ code, severity, count, records }: DefectGroup): ReadonlyArray<string> => {
  const shown = records.slice(0, 8).map(({ record, field, found }) => {
    const where = field === null ? "" : ` ${field}`
    return `${record}${where}${found === null || found === "" ? "" : ` (${found})`}`
  })
  const rest = count - shown.length
  return [
    `${severity === "error" ? "error  " : "warning"}  ${code}: ${words[code] ?? code}; ${count === 1 ? "1 record" : `${count} records`}`,
    `         ${shown.join(", ")}${rest > 0 ? `, … ${rest} more` : ""}`,
  ]
}

const percent = (part: number, of: number): string => `${of === 0 ? 0 : Math.round((100 * part) / of)} %`

export const renderReport = (report: DataReport, maxLength: number): ReadonlyArray<string> => {
  const { path, form, records, usable, defects, tokens, languages, tokensPerCjk } = report
  const most = Math.max(1, ...tokens.histogram.map(({ count }) => count))
  const about = tokens.exact ? "" : "about "
  const cjkShare = usable === 0 ? 0 : (languages.cjk + languages.mixed) / usable
  return [
    `${path}: ${records} records${form === null ? "" : `, ${form}`}, ${usable} usable`,
    `tokens: median ${about}${tokens.median}, 95 % up to ${about}${tokens.p95}, longest ${about}${tokens.longest}, ${about}${tokens.total} in all${tokens.exact ? "" : " (estimated; --model measures)"}`,
    ...tokens.histogram.map(
      ({ upTo, count }) =>
        `  up to ${String(upTo).padStart(6)}  ${String(count).padStart(8)}  ${"█".repeat(Math.ceil((30 * count) / most))}${upTo > maxLength && upTo / 2 < maxLength ? `  ← cut at ${maxLength}` : ""}`,
    ),
    `languages: ${percent(languages.cjk, usable)} Chinese, Japanese or Korean, ${percent(languages.mixed, usable)} mixed, ${percent(languages.other, usable)} other`,
    ...(tokensPerCjk !== null && tokensPerCjk > 1.3 && cjkShare > 0.1
      ? [
          `warning  this tokenizer takes ${tokensPerCjk.toFixed(1)} tokens a Chinese character: the base has seen little Chinese. Take one that was trained on it, such as Qwen, or expect weak answers`,
        ]
      : []),
    ...defects.flatMap(group),
    ...(defects.length === 0 ? ["no defects found"] : []),
  ]
}
