// `tokens create`, `ls` and `revoke`. They work on the files of the state directory, whether or not a coordinator runs:
// who can write there decides who gets in.
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { AgentId } from "@sweep/domain/Id"
import { Role } from "@sweep/domain/Role"
import { AccessError } from "@sweep/access/AccessError"
import { badInput, stateFailure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { home } from "../../serving/home.ts"
import { print, printJson, printLines } from "../../output.ts"
import { table } from "../../terminal/table.ts"

const explain = (error: unknown) =>
  error instanceof AccessError ? badInput(error.message) : stateFailure((error as Error).message)

const openTokens = Effect.gen(function* () {
  const { Tokens } = yield* Effect.promise(() => import("@sweep/access/Tokens"))
  return new Tokens((yield* home).tokens)
})

const role = Flag.Literals("role", Role.literals).pipe(
  Flag.withDescription("agent: run trials; submit: start, stop and look at sweeps; read: only look"),
)
const output = Flag.String("output").pipe(
  Flag.withAlias("o"),
  Flag.withMetavar("FILE"),
  Flag.withDescription("Where to write the access file; without it, into the state directory"),
  Flag.optional,
)

const agent = Flag.String("agent").pipe(
  Flag.withMetavar("ID"),
  Flag.withDescription("With --role agent: the id of the one agent that may use it; without it, NAME"),
  Flag.optional,
)
const many = Flag.Boolean("many").pipe(
  Flag.withDescription(
    "With --role agent: for any number of agents, whose ids begin with NAME- (a Slurm array, a Kubernetes job); they are not protected from each other",
  ),
  Flag.withDefault(false),
)

/** Whom a token of the role `agent` is bound to. */
const bindingOf = (role: Role, name: string, id: string | undefined, forMany: boolean) => {
  if (role !== "agent") {
    return id === undefined && !forMany
      ? Effect.succeed(undefined)
      : Effect.fail(
          badInput(`--agent and --many are for --role agent; a token of the role ${role} belongs to no agent`),
        )
  }
  if (id !== undefined && forMany) {
    return Effect.fail(badInput("--agent names one agent, --many stands for any number of them: give one of the two"))
  }
  if (id !== undefined && !Schema.is(AgentId)(id)) {
    return Effect.fail(
      badInput(
        `--agent ${id}: expected an agent's id: letters, digits, '.', '_' and '-', beginning with a letter or digit`,
      ),
    )
  }
  return Effect.succeed(forMany ? `${name}-*` : (id ?? name))
}

const create = Command.make(
  "create",
  {
    name: Argument.String("NAME").pipe(Argument.withDescription("For whom or what it is, to find it again")),
    role,
    agent,
    many,
    output,
    json: flags.json,
  },
  ({ name, role, agent, many, output, json }) =>
    Effect.gen(function* () {
      const { TokenName } = yield* Effect.promise(() => import("@sweep/access/Tokens"))
      if (!Schema.is(TokenName)(name)) {
        return yield* badInput(
          `'${name}' is no name for a token: expected letters, digits, '.', '_' and '-', at most 64, beginning with a letter or digit`,
        )
      }
      const bound = yield* bindingOf(role, name, Option.getOrUndefined(agent), many)
      const at = yield* home
      const { createToken } = yield* Effect.promise(() => import("@sweep/access/createToken"))
      const tokens = yield* openTokens
      const { existsSync } = yield* Effect.promise(() => import("node:fs"))
      if (!existsSync(at.authority)) {
        return yield* badInput("there is no certificate authority to go with a token yet. First: sweep certs")
      }
      const file = resolve(Option.getOrElse(output, () => at.accessFile(name)))
      const { id } = yield* Effect.tryPromise({
        try: () => createToken(tokens, { authority: at.authority, name, role, file, agent: bound }),
        catch: explain,
      })
      if (json) return yield* printJson({ id, name, role, ...(bound === undefined ? {} : { agent: bound }), file })
      yield* print(
        `${file}\nThis access file is the only copy of the token. Copy it to where it is used: --access FILE or SWEEP_ACCESS.`,
      )
    }),
).pipe(
  Command.withDescription("Make a token and its certificate, as one access file"),
  Command.withExamples([
    { command: "sweep tokens create gpu1 --role agent", description: "For the agent gpu1, and for no other one" },
    {
      command: "sweep tokens create farm --role agent --many",
      description: "For the agents of a Slurm array, which all mount one file",
    },
    { command: "sweep tokens create ana --role read -o ana.json", description: "For somebody who only looks" },
  ]),
)

const ls = Command.make("ls", { json: flags.json }, ({ json }) =>
  Effect.gen(function* () {
    const tokens = yield* openTokens
    const list = yield* Effect.try({ try: () => tokens.list(), catch: explain })
    if (json) return yield* printJson(list.map((token) => ({ ...token, sha256: undefined })))
    if (list.length === 0) return yield* print("No tokens yet. Make one: sweep tokens create NAME --role agent")
    const day = (at: number) => new Date(at).toISOString().slice(0, 10)
    yield* printLines(
      table(
        [
          { title: "name" },
          { title: "role" },
          { title: "agent" },
          { title: "id" },
          { title: "created" },
          { title: "revoked" },
        ],
        list.map((token) => [
          token.name,
          token.role,
          token.role === "agent" ? (token.agent ?? "any that is not bound") : "",
          token.id,
          day(token.createdAt),
          token.revokedAt === null ? "" : day(token.revokedAt),
        ]),
      ),
    )
  }),
).pipe(
  Command.withDescription("List the tokens, those in use and those revoked"),
  Command.withExamples([{ command: "sweep tokens ls", description: "Who may do what" }]),
)

const revoke = Command.make(
  "revoke",
  { which: Argument.String("NAME").pipe(Argument.withDescription("A token's name or id")), json: flags.json },
  ({ which, json }) =>
    Effect.gen(function* () {
      const tokens = yield* openTokens
      const { id, name, role } = yield* Effect.try({ try: () => tokens.revoke(which), catch: explain })
      if (json) return yield* printJson({ id, name, role, revoked: true })
      yield* print(`${name} (${role}) is revoked; a running coordinator turns its holders away within seconds.`)
    }),
).pipe(
  Command.withDescription("End a token: its holders are turned away, at once and for good"),
  Command.withExamples([{ command: "sweep tokens revoke gpu1", description: "No agent with it is served again" }]),
)

export const tokens = Command.make("tokens").pipe(
  Command.withDescription("Who may use this state directory's coordinator: make, list and revoke tokens"),
  Command.withSubcommands([create, ls, revoke]),
)
