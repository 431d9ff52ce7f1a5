// The argument vector of a command trainer: W&B's macros filled in with one trial's parameters. Owns the macros and how
// a value is written on a command line (as Python writes it, because that is what people's scripts parse); no shell is
// ever involved, so nothing is quoted. Starting the process is the agent's work.
import type { Parameters, ParameterValue } from "../space/Parameter.ts"

export const defaultCommand: ReadonlyArray<string> = ["${env}", "${interpreter}", "${program}", "${args}"]

export interface CommandContext {
  readonly parameters: Parameters
  /** Dotted names of nested groups: each becomes one argument. */
  readonly groups: ReadonlyArray<string>
  /** For `${program}`; `null` when the command has none. */
  readonly program: string | null
  /** For `${args_json_file}`: where the caller writes `argumentsJson`. */
  readonly argumentsFile: string
  /** Of the host the command runs on, for `${envvar:NAME}`. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

interface Nested {
  readonly [key: string]: ParameterValue | Nested
}

/** The parameters with every group as an object of its own, in the order given. */
export const nestGroups = (parameters: Parameters, groups: ReadonlyArray<string>): Nested => {
  const known = new Set(groups)
  const root: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(parameters)) {
    let at = root
    let rest = name
    for (let prefix = ""; ;) {
      // The part of the name that is a group below the current one; names may hold dots that are no nesting.
      const dots = Array.from(rest.matchAll(/\./g), (match) => match.index)
      const dot = dots.find((index) => known.has(prefix + rest.slice(0, index)))
      if (dot === undefined) break
      const key = rest.slice(0, dot)
      at = (at[key] ??= {}) as Record<string, unknown>
      prefix = `${prefix}${key}.`
      rest = rest.slice(dot + 1)
    }
    at[rest] = value
  }
  return root as Nested
}

const pythonText = (value: ParameterValue | Nested, inside = false): string => {
  if (value === null) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "number") return String(value)
  if (typeof value === "string") {
    if (!inside) return value
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
    const escaped = value
      .replaceAll("\\", "\\\\")
      .replaceAll("\n", "\\n")
      .replaceAll("\r", "\\r")
      .replaceAll("\t", "\\t")
      .replaceAll(quote, `\\${quote}`)
    return `${quote}${escaped}${quote}`
  }
  const entries = Object.entries(value).map(([key, inner]) => `${pythonText(key, true)}: ${pythonText(inner, true)}`)
  return `{${entries.join(", ")}}`
}

type Flag = readonly [name: string, value: ParameterValue | Nested]

const flagForms: Readonly<Record<string, (flag: Flag) => ReadonlyArray<string>>> = {
  args: ([name, value]) => [`--${name}=${pythonText(value)}`],
  args_no_equals: ([name, value]) => [`--${name}`, pythonText(value)],
  args_no_hyphens: ([name, value]) => [`${name}=${pythonText(value)}`],
  args_no_boolean_flags: ([name, value]) =>
    value === false ? [] : [value === true ? `--${name}` : `--${name}=${pythonText(value)}`],
  args_append_hydra: ([name, value]) => [`+${name}=${pythonText(value)}`],
  args_override_hydra: ([name, value]) => [`++${name}=${pythonText(value)}`],
}

/** What `${args_json}` is, and what the file of `${args_json_file}` holds. */
export const argumentsJson = (parameters: Parameters, groups: ReadonlyArray<string>): string =>
  JSON.stringify(nestGroups(parameters, groups))

export const commandMacros: ReadonlyArray<string> = [
  "env",
  "interpreter",
  "program",
  ...Object.keys(flagForms),
  "args_json",
  "args_json_file",
]

const environmentMacro = /\$\{envvar:([A-Za-z0-9_]*)\}/g

/** The macros of one argument that nobody knows. `${envvar:NAME}` may stand anywhere, the others alone. */
export const unknownMacros = (argument: string): ReadonlyArray<string> =>
  Array.from(argument.replaceAll(environmentMacro, "").matchAll(/\$\{([^}]*)\}/g), (match) => match[1]!).filter(
    (macro) => !commandMacros.includes(macro) || argument !== `\${${macro}}`,
  )

export const usesArgumentsFile = (command: ReadonlyArray<string>): boolean => command.includes("${args_json_file}")

/** The arguments to start, the program first. An environment variable that is not set leaves its name, as with W&B. */
export const expandCommand = (command: ReadonlyArray<string>, context: CommandContext): ReadonlyArray<string> => {
  const { parameters, groups, program, argumentsFile, environment } = context
  const flags: ReadonlyArray<Flag> = Object.entries(nestGroups(parameters, groups))
  return command.flatMap((argument) => {
    const macro = /^\$\{([a-z_]+)\}$/.exec(argument)?.[1]
    const form = macro === undefined ? undefined : flagForms[macro]
    if (form !== undefined) return flags.flatMap(form)
    switch (macro) {
      case "env":
        return ["/usr/bin/env"]
      case "interpreter":
        return ["python"]
      case "program":
        return program === null ? [] : [program]
      case "args_json":
        return [argumentsJson(parameters, groups)]
      case "args_json_file":
        return [argumentsFile]
      default:
        return [argument.replaceAll(environmentMacro, (_, name: string) => environment[name] ?? name)]
    }
  })
}
