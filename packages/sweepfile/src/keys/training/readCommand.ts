// Who trains: the trainer, and the command of `trainer: command` with its macros.
import { commandMacros, defaultCommand, unknownMacros } from "@sweep/domain/Command"
import { nearestName } from "@sweep/domain/nearestName"
import { Trainer } from "@sweep/domain/SweepSpec"
import { type Fields, oneOf } from "../../parse/Field.ts"

export const readTrainer = (top: Fields, inline: boolean): Trainer | undefined => {
  const field = top.get("trainer")
  if (field === undefined) {
    if (inline || top.has("base")) return "llamafactory"
    return top.has("program") || top.has("command") ? "command" : "peft"
  }
  if (field.node.kind === "scalar" && /^llama[-_ ]?factory$/i.test(String(field.node.value))) return "llamafactory"
  return field.word(Trainer.literals)
}

const macroHint = (macro: string): string | null => {
  const near = nearestName(macro, commandMacros)
  return near === undefined ? null : `did you mean \`\${${near}}\`?`
}

/** The macros that become parameters. */
const handsOver = new Set(commandMacros.filter((macro) => macro.startsWith("args")).map((macro) => `\${${macro}}`))

export const readCommand = (top: Fields): ReadonlyArray<string> | undefined => {
  const field = top.get("command")
  if (field === undefined) return defaultCommand
  if (field.node.kind === "scalar" && typeof field.node.value === "string") {
    const parts = field.node.value.split(/\s+/).filter((part) => part !== "")
    return field.wrong(
      "a list of arguments; there is no shell",
      `write [${parts.map((part) => JSON.stringify(part)).join(", ")}]`,
    )
  }
  const items = field.list("a list of arguments")
  if (items === undefined) return undefined
  if (items.length === 0) return field.wrong("a list of arguments")
  const command = items.flatMap((item) => {
    const { node } = item
    if (node.kind !== "scalar" || node.value === null) return [item.wrong("an argument, that is text")]
    const text = typeof node.value === "string" ? node.value : node.source
    const macro = unknownMacros(text)[0]
    if (macro === undefined) return [text]
    // As W&B does: what has the form of a macro by itself and is none is left out; within a text it stays, for Hydra.
    // A name with other signs in it is a shell's or Hydra's, not a slip.
    const isSlip = /^\w+$/.test(macro) && nearestName(macro, commandMacros) !== undefined
    if (!commandMacros.includes(macro) && !isSlip) {
      const alone = text === `\${${macro}}`
      item.warn({
        message: `there is no macro \`\${${macro}}\`: it is ${alone ? "left out" : "passed on as it is"}`,
        hint: /^\w+$/.test(macro) ? `an environment variable is \`\${envvar:${macro}}\`` : null,
      })
      return alone ? [] : [text]
    }
    return item.report({
      message: commandMacros.includes(macro)
        ? `\`\${${macro}}\` has to be an argument by itself`
        : `there is no macro \`\${${macro}}\``,
      found: JSON.stringify(text),
      expected: oneOf([...commandMacros, "envvar:NAME"].map((name) => `\${${name}}`)),
      hint: commandMacros.includes(macro)
        ? null
        : (macroHint(macro) ?? `an environment variable is \`\${envvar:${macro}}\``),
    })
  })
  if (!command.some((argument) => argument !== undefined && handsOver.has(argument))) {
    field.warn({
      message: "`command` hands no parameter to the program",
      hint: "add `${args}`, unless the program reads them with `wandb.config` or `sweep.init()`",
    })
  }
  return command.includes(undefined) ? undefined : (command as ReadonlyArray<string>)
}
