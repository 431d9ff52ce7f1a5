// Which files of a folder belong to its source snapshot: in a repository what git tracks and would track, elsewhere what
// `.gitignore` leaves; `.sweepignore` takes more out, or with `!` back in. Owns that rule, and that secrets, state folders
// and what tools leave behind are never sent.
import { execFile } from "node:child_process"
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { lstat, readdir, realpath, stat } from "node:fs/promises"
import { dirname, join, relative, sep } from "node:path"
import { promisify } from "node:util"
import ignore, { type Ignore } from "ignore"

const run = promisify(execFile)

/** Never sent, whoever tracks or names them: keys and passwords, histories, the state of this program. */
const never = ignore().add([
  ".git",
  ".hg",
  ".svn",
  ".sweep",
  ".env",
  ".env.*",
  "!.env.example",
  "!.env.template",
  "*.pem",
  "*.p12",
  "*.pfx",
  "id_rsa*",
  "id_dsa*",
  "id_ecdsa*",
  "id_ed25519*",
  ".netrc",
  ".pypirc",
  ".npmrc",
  ".aws",
  ".ssh",
  ".gnupg",
  ".kube",
  ".git-credentials",
])

/** What tools make and make again: left out where git is not asked. */
const rubbish = [
  "__pycache__/",
  "*.pyc",
  ".venv/",
  "venv/",
  "node_modules/",
  ".ipynb_checkpoints/",
  ".pytest_cache/",
  ".mypy_cache/",
  ".ruff_cache/",
  ".tox/",
  "wandb/",
  "mlruns/",
  "lightning_logs/",
  ".DS_Store",
]

/** More is a folder that was not meant. */
export const mostFiles = 50_000

export class TooManyFiles extends Error {
  readonly folder: string
  constructor(folder: string) {
    super(`more than ${mostFiles} files in ${folder}`)
    this.folder = folder
  }
}

/** The folder of the repository around `folder`; `undefined` outside of any. */
export const repositoryAround = (folder: string): string | undefined => {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at
    if (dirname(at) === at) return undefined
  }
}

export interface GitState {
  readonly revision: string
  /** Files that differ from it, new ones included. */
  readonly changed: number
}

const git = async (folder: string, args: ReadonlyArray<string>): Promise<string> => {
  const { stdout } = await run("git", ["-C", folder, ...args], { maxBuffer: 256 * 1024 * 1024 })
  return stdout
}

/** `undefined` where there is no commit, or no git. */
export const gitState = async (repository: string): Promise<GitState | undefined> => {
  try {
    const revision = (await git(repository, ["rev-parse", "HEAD"])).trim()
    const status = await git(repository, ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"])
    return { revision, changed: status.split("\0").filter((line) => line !== "").length }
  } catch {
    return undefined
  }
}

/** Paths below `folder`, by `.gitignore` as git reads it; `undefined` where git cannot say. */
const listedByGit = async (folder: string, all: boolean): Promise<ReadonlyArray<string> | undefined> => {
  try {
    const tracked = await git(folder, ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])
    const ignored = all ? await git(folder, ["ls-files", "-z", "--others", "--ignored", "--exclude-standard"]) : ""
    return `${tracked}${ignored}`.split("\0").filter((path) => path !== "")
  } catch {
    return undefined
  }
}

const rulesIn = (folder: string, name: string): string => {
  try {
    return readFileSync(join(folder, name), "utf8")
  } catch {
    return ""
  }
}

const posix = (path: string): string => (sep === "/" ? path : path.replaceAll(sep, "/"))

/** Everything below a folder that `skip` does not name, links to folders left out. */
const walk = async (
  root: string,
  from: string,
  skip: (path: string, isFolder: boolean) => boolean,
  found: Array<string>,
): Promise<void> => {
  for (const entry of await readdir(join(root, from), { withFileTypes: true })) {
    const path = from === "" ? entry.name : `${from}/${entry.name}`
    if (skip(path, entry.isDirectory())) continue
    if (entry.isDirectory()) await walk(root, path, skip, found)
    else found.push(path)
    if (found.length > mostFiles) throw new TooManyFiles(root)
  }
}

/** Whether `!` takes the path, or a folder around it, back in. */
const isReadmitted = (own: Ignore, path: string): boolean => {
  for (let at = path; ; at = `${dirname(at)}/`) {
    const { ignored, unignored } = own.test(at)
    if (ignored || unignored) return unignored
    if (!at.replace(/\/$/, "").includes("/")) return false
  }
}

const listedHere = async (root: string, from: string, own: Ignore): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  // Each folder's own `.gitignore` holds below it.
  const rules = new Map<string, Ignore>()
  const rulesOf = (folder: string): Ignore => {
    const known = rules.get(folder)
    if (known !== undefined) return known
    const made = ignore().add(rulesIn(join(root, folder), ".gitignore"))
    rules.set(folder, made)
    return made
  }
  const isIgnored = (path: string, isFolder: boolean): boolean => {
    const name = isFolder ? `${path}/` : path
    if (isFolder && isState(join(root, path))) return true
    if (never.ignores(name)) return true
    if (isReadmitted(own, name)) return false
    for (let at = path; at !== "";) {
      at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : ""
      const below = at === "" ? name : name.slice(at.length + 1)
      if (rulesOf(at).ignores(below)) return true
    }
    return false
  }
  await walk(root, from, isIgnored, found)
  return found
}

/** Of a coordinator or an agent: it changes while it is read, and holds tokens. */
const isState = (folder: string): boolean =>
  ["agent.lock", "sweep.duckdb", "coordinator.json"].some((name) => existsSync(join(folder, name)))

export interface ListedFile {
  /** Below the folder, with `/` between its parts. */
  readonly path: string
  readonly bytes: number
  readonly executable: boolean
}

export interface Listing {
  readonly files: ReadonlyArray<ListedFile>
  /** Links to folders: what is behind them is not sent. */
  readonly linkedFolders: ReadonlyArray<string>
}

/** The size of what is to be sent under a path; `undefined` for what is no file. */
export const describeFile = async (folder: string, path: string): Promise<ListedFile | "folder" | undefined> => {
  const at = join(folder, path)
  const found = await stat(at).catch(() => undefined)
  if (found?.isDirectory() === true) return "folder"
  return found?.isFile() === true
    ? { path: posix(path), bytes: found.size, executable: (found.mode & 0o111) !== 0 }
    : undefined
}

/** `excluded`: absolute folders whose files are never sent, such as the state directory. */
export const listSources = async (folder: string, excluded: ReadonlyArray<string>): Promise<Listing> => {
  const text = rulesIn(folder, ".sweepignore")
  const isRepository = repositoryAround(folder) !== undefined
  const own = ignore().add(isRepository ? text : [...rubbish, ...text.split("\n")])
  const readmits = /^!/m.test(text)
  const listed = (isRepository ? await listedByGit(folder, readmits) : undefined) ?? (await listedHere(folder, "", own))
  // What git ignores comes back only by name.
  const kept = isRepository ? new Set(await listedByGit(folder, false)) : undefined
  const real = realpathSync(folder)
  const closed = excluded
    .map((path) => relative(real, safeReal(path)))
    .filter((path) => path !== "" && !path.startsWith(".."))
  const states = new Map<string, boolean>()
  const isInState = (path: string): boolean => {
    const at = path.slice(0, Math.max(0, path.lastIndexOf("/")))
    if (at === "") return false
    const known = states.get(at)
    if (known !== undefined) return known
    const is = isInState(at) || isState(join(folder, at))
    states.set(at, is)
    return is
  }
  const isClosed = (path: string) => closed.some((at) => path === at || path.startsWith(`${at}/`)) || isInState(path)

  const files = new Map<string, ListedFile>()
  const linkedFolders: Array<string> = []
  const take = async (path: string): Promise<void> => {
    if (never.ignores(path) || own.ignores(path) || isClosed(path)) return
    if (kept !== undefined && !kept.has(path) && !isReadmitted(own, path)) return
    const file = await describeFile(folder, path)
    if (file === "folder") {
      if ((await lstat(join(folder, path))).isSymbolicLink()) {
        linkedFolders.push(path)
        return
      }
      // A repository in the repository, which git names as one path.
      for (const inner of await listedHere(folder, path.replace(/\/$/, ""), own)) await take(inner)
      return
    }
    if (file === undefined) return
    // A link that leads to a secret is one.
    if (never.ignores(relativeName(await realpath(join(folder, path))))) return
    files.set(file.path, file)
    if (files.size > mostFiles) throw new TooManyFiles(folder)
  }
  for (const path of listed) await take(path)
  return { files: Array.from(files.values()).sort((a, b) => (a.path < b.path ? -1 : 1)), linkedFolders }
}

const safeReal = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

const relativeName = (path: string): string => path.replace(/^\/+/, "")
