// Which files of a folder would be sent to agents: with git and without, and what is never sent.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { gitState, listSources } from "../../src/running/snapshot/listSources.ts"

const folderOf = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), "sweep-sources-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const git = (folder: string, ...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", ...args])

const paths = async (folder: string, excluded: ReadonlyArray<string> = []) =>
  (await listSources(folder, excluded)).files.map(({ path }) => path)

const secrets = {
  ".env": "A=b",
  "conf/.env.production": "A=b",
  "key.pem": "-----",
  "deep/id_rsa": "-----",
  ".netrc": "machine x",
  ".ssh/config": "Host x",
}
const state = { "agents/one/agent.lock": "{}", "agents/one/attempts/1/trial.json": "{}", "home/sweep.duckdb": "" }

describe("the files of a snapshot", () => {
  it("in a repository: what git tracks or would track, without secrets and state", async () => {
    const folder = folderOf({
      ...secrets,
      ...state,
      "train.py": "",
      "wandb/own.py": "",
      "data/train.txt": "",
      "runs/out.bin": "",
      "sub/.gitignore": "*.tmp\n",
      "sub/a.tmp": "",
      "sub/a.py": "",
      ".gitignore": "data/\nruns/\n",
      ".env.example": "A=",
      "gone.py": "",
      "mine/secret.py": "",
    })
    git(folder, "init", "-q")
    git(folder, "add", "-A", "-f", ".env", "wandb", "gone.py", "train.py")
    git(folder, "commit", "-qm", "first")
    rmSync(join(folder, "gone.py"))
    const expected = [
      ".env.example",
      ".gitignore",
      "mine/secret.py",
      "sub/.gitignore",
      "sub/a.py",
      "train.py",
      "wandb/own.py",
    ]
    expect(await paths(folder)).toEqual(expected)
    const { revision, changed } = (await gitState(folder))!
    expect(revision).toMatch(/^[0-9a-f]{40}$/)
    expect(changed).toBeGreaterThan(1)
    // `.sweepignore` takes out, and takes back in what git ignores; never a secret.
    writeFileSync(join(folder, ".sweepignore"), "mine/\n!data/\n!.env\n")
    expect(await paths(folder)).toEqual(
      [...expected.filter((path) => path !== "mine/secret.py"), ".sweepignore", "data/train.txt"].sort(),
    )
  })

  it("elsewhere: what .gitignore and .sweepignore leave, without what tools leave behind", async () => {
    const folder = folderOf({
      ...secrets,
      ...state,
      "train.py": "",
      "__pycache__/train.pyc": "",
      ".venv/bin/python": "",
      "wandb/run/log": "",
      "sub/.gitignore": "*.tmp\n!kept.tmp\n",
      "sub/a.tmp": "",
      "sub/kept.tmp": "",
      "big/a.bin": "",
      "home2/file": "",
      "name with spaces/数据.json": "[]",
      ".sweepignore": "big/\n",
    })
    symlinkSync(join(folder, "big"), join(folder, "link"))
    symlinkSync(join(folder, ".env"), join(folder, "innocent"))
    symlinkSync(join(folder, "train.py"), join(folder, "linked.py"))
    const listing = await listSources(folder, [join(folder, "home2")])
    expect(listing.files.map(({ path }) => path)).toEqual([
      ".sweepignore",
      "linked.py",
      "name with spaces/数据.json",
      "sub/.gitignore",
      "sub/kept.tmp",
      "train.py",
    ])
    expect(listing.linkedFolders).toEqual(["link"])
  })
})
