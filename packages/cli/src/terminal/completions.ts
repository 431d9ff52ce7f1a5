// Completion of command lines in the user's shell. Owns which arguments are sweeps, asked for when they are completed,
// and which are files; the rest of the script is effect/cli's.
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Completions from "effect/cli/Completions"
import * as GlobalFlag from "effect/cli/GlobalFlag"

/** Stands in the generated script where the ids of sweeps go. */
const placeholder = "@sweeps@"
const ids = "sweep ls --ids 2>/dev/null"

/** In each shell's script, as effect/cli quotes a choice, and what asks for the ids instead. */
const asked: Readonly<Record<Completions.Shell, readonly [choice: string, question: string]>> = {
  bash: [`'${placeholder}'`, `$(${ids})`],
  zsh: [`(${placeholder})`, `{compadd -- \${(f)"$(${ids})"}}`],
  fish: [`'${placeholder}'`, `'(${ids})'`],
  powershell: [`'${placeholder}'`, `(sweep ls --ids 2>$null)`],
}

const files = new Set(["access", "output", "to", "parquet", "backup-to"])
const folders = new Set(["directory"])

const described = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  arguments: command.arguments.map((argument) =>
    argument.name.startsWith("SWEEP")
      ? { ...argument, type: { _tag: "Choice", values: [placeholder] } }
      : argument.name === "FILE"
        ? { ...argument, type: { _tag: "Path", pathType: "file" } }
        : argument,
  ),
  flags: command.flags.map((flag) =>
    files.has(flag.name)
      ? { ...flag, type: { _tag: "Path", pathType: "either" } }
      : folders.has(flag.name)
        ? { ...flag, type: { _tag: "Path", pathType: "directory" } }
        : flag,
  ),
  subcommands: command.subcommands.map(described),
})

export const completionScript = (command: Completions.CommandDescriptor, shell: Completions.Shell): string => {
  const [choice, question] = asked[shell]
  return Completions.generate(command.name, shell, described(command))
    .replaceAll(choice, () => question)
    .replaceAll("# Static completion script", "# Completion script")
}

/** `--completions`, with effect/cli's own left out. */
export const completions: GlobalFlag.Action<Option.Option<Completions.Shell>> = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag,
  run: (shell, { command }) =>
    Option.match(shell, {
      onNone: () => Effect.void,
      onSome: (name) => Console.log(completionScript(Completions.fromCommand(command), name)),
    }),
})
