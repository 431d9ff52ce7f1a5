// `sweep data` on files with planted defects: each is found, with the number of its record.
import { createServer, type Server } from "node:http"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { checkFile } from "../../src/data/checkFile.ts"
import { convertFile } from "../../src/data/convertFile.ts"
import { costOf, expandFile, readSeeds } from "../../src/data/expandFile.ts"
import { readRecords } from "../../src/data/readRecords.ts"
import { splitFile } from "../../src/data/splitFile.ts"
import { estimated } from "../../src/data/tokenLengths.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-data-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const jsonl = (name: string, records: ReadonlyArray<unknown>) =>
  put(name, records.map((record) => `${JSON.stringify(record)}\n`).join(""))
const check = (path: string, evalPath: string | null = null) =>
  checkFile(path, { evalPath, maxLength: 100, lengths: estimated, most: 1000 })
const numbersOf = async (path: string, evalPath: string | null = null) =>
  Object.fromEntries(
    (await check(path, evalPath)).defects.map(({ code, records }) => [code, records.map(({ record }) => record)]),
  )
const all = async (path: string) => {
  const records = []
  for await (const record of readRecords(path)) records.push(record)
  return records
}

const good = (i: number) => ({ instruction: `What is number ${i}?`, input: "", output: `It is ${i * 7}.` })

describe("check", () => {
  it("finds what is planted among Alpaca records", async () => {
    const planted: Readonly<Record<number, unknown>> = {
      3: { instruction: "no answer" },
      5: { instruction: "misspelt", ouput: "x" },
      7: { instruction: "", input: "  ", output: "x" },
      9: { instruction: "empty answer?", output: " \n" },
      11: { instruction: "a number?", output: 4 },
      13: { instruction: "null?", output: null },
      15: good(2),
      17: { instruction: "What is number 2?", input: "", output: "Something else." },
      19: { instruction: "Say it.", output: "Say it." },
      21: { instruction: "To do?", output: "TODO" },
      23: { instruction: "Control?", output: "a\u0000b" },
      25: { instruction: "Lost?", output: "caf\ufffd" },
      27: { instruction: "Misread?", output: "cafÃ© and donâ€™t" },
      29: { instruction: "Template?", output: "yes<|im_end|>" },
      31: { instruction: "Long?", output: "word ".repeat(200) },
      33: {
        messages: [
          { role: "user", content: "other form" },
          { role: "assistant", content: "x" },
        ],
      },
      35: "only text",
      37: { instruction: "History?", output: "x", history: [["only a question"]] },
      39: { instruction: 5, output: "x" },
      41: ["a list"],
    }
    const lines = Array.from({ length: 50 }, (_, i) => `${JSON.stringify(planted[i + 1] ?? good(i + 1))}\n`)
    lines[42] = '{"instruction": "torn", "output": \n'
    lines[44] = "{'instruction': 'single quotes'}\n"
    const bytes = Buffer.concat([
      Buffer.from("\ufeff"),
      Buffer.from(lines.join("")),
      Buffer.from('{"instruction": "Latin-1?", "output": "'),
      Buffer.from([0x63, 0x61, 0x66, 0xe9]),
      Buffer.from('"}\n'),
    ])
    const evaluation = jsonl("eval.jsonl", [good(100), good(4), { ...good(6), output: "Another." }])
    expect(await numbersOf(put("train.jsonl", bytes), evaluation)).toEqual({
      missing_field: [3],
      misspelt_field: [5],
      empty_question: [7],
      empty_answer: [9],
      wrong_type: [11, 13, 39],
      duplicate: [15],
      same_question: [17],
      answer_repeats_question: [19],
      placeholder_answer: [21],
      control_characters: [23],
      replacement_character: [25],
      wrongly_decoded: [27],
      special_tokens: [29],
      too_long: [31],
      other_form: [33],
      not_object: [35, 41],
      bad_history: [37],
      not_json: [43, 45],
      not_utf8: [51],
      in_eval: [2],
      question_in_eval: [3],
    })
  })

  it("finds what is planted among conversations, preferences and tags", async () => {
    const user = (content: string) => ({ role: "user", content })
    const assistant = (content: string) => ({ role: "assistant", content })
    const talks = [
      { messages: [user("hello"), assistant("good day")] },
      { messages: [] },
      { messages: [user("a"), user("b"), assistant("c")] },
      { messages: [user("only a question")] },
      { messages: [user("x"), { role: "robot", content: "y" }] },
      { messages: [user("x"), { role: "assistant" }] },
      { messages: [user("empty"), assistant(" ")] },
      { messages: [assistant("first"), user("x"), assistant("y")] },
      { messages: "no list" },
      { messages: [user("hello, tool"), assistant("call"), { role: "tool", content: "3" }, assistant("three")] },
    ]
    expect(await numbersOf(jsonl("talks.jsonl", talks))).toEqual({
      empty_conversation: [2],
      roles_do_not_alternate: [3, 8],
      no_final_answer: [4],
      unknown_role: [5],
      bad_turn: [6],
      empty_answer: [7],
      wrong_type: [9],
    })
    const pairs = [1, 2, 3, 4].map((i) => ({
      instruction: `q${i}`,
      chosen: "good",
      rejected: i === 2 ? "good" : "bad",
    }))
    expect(
      await numbersOf(jsonl("pairs.jsonl", [...pairs, { instruction: "q5", chosen: "good", rejected: 3 }])),
    ).toEqual({
      chosen_is_rejected: [2],
      wrong_type: [5],
    })
    const tagged = [1, 2, 3].map((i) => ({ instruction: `q${i}`, output: "a", kto_tag: i === 3 ? "yes" : i === 1 }))
    expect(await numbersOf(jsonl("kto.jsonl", tagged))).toEqual({ wrong_type: [3] })
  })

  it("reads a JSON array, CSV and Parquet as it reads JSON lines", async () => {
    const records = Array.from({ length: 9 }, (_, i) => ({ ...good(i), output: `a "quoted",\nline ${i}, 你好 [}{]` }))
    const csv = [
      "instruction,input,output",
      ...records.map((r) => `${r.instruction},,"${r.output.replaceAll('"', '""')}"`),
    ]
    const { DuckDBInstance } = await import("@duckdb/node-api")
    const lines = jsonl("a.jsonl", records)
    const database = await (await DuckDBInstance.create(":memory:")).connect()
    await database.run(`COPY (SELECT * FROM read_json('${lines}')) TO '${join(folder, "d.parquet")}' (FORMAT parquet)`)
    for (const path of [
      lines,
      put("b.json", JSON.stringify(records, null, 1)),
      put("c.csv", csv.join("\r\n")),
      join(folder, "d.parquet"),
    ]) {
      expect(
        (await all(path)).map(({ value }) => value),
        path,
      ).toEqual(records)
    }
  })

  it("says where a JSON array is broken", async () => {
    const codes = async (text: string) =>
      (await all(put("x.json", text))).map(({ number, problem }) => [number, problem?.code])
    expect(await codes('[{"a": 1}, {"b": }, {"c": 3}]')).toEqual([
      [1, undefined],
      [2, "not_json"],
      [3, undefined],
    ])
    expect(await codes('[{"a": 1}, {"b": 2}')).toEqual([
      [1, undefined],
      [2, "unfinished"],
    ])
    expect(await codes('[{"a": 1},]')).toEqual([
      [1, undefined],
      [2, "not_json"],
    ])
    expect(await codes('"text"')).toEqual([[1, "not_a_list"]])
    expect(await codes("[]")).toEqual([])
  })
})

it("splits by content: the same again when the file grows, duplicates on one side", async () => {
  const records = Array.from({ length: 400 }, (_, i) => good(i))
  const split = async (name: string, some: ReadonlyArray<unknown>) => {
    const path = jsonl(name, some)
    const to = { train: join(folder, `${name}-train.jsonl`), eval: join(folder, `${name}-eval.jsonl`) }
    const counts = await splitFile(path, { ...to, fraction: 0.2, seed: 7 })
    const read = (at: string) =>
      readFileSync(at, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).instruction as string)
    return { counts, train: read(to.train), eval: read(to.eval) }
  }
  const first = await split("a.jsonl", records)
  expect(first.counts.train + first.counts.eval).toBe(400)
  expect(first.counts.eval).toBeGreaterThan(55)
  expect(first.counts.eval).toBeLessThan(105)
  const shouted = records.map((record) => ({
    ...record,
    instruction: record.instruction.toUpperCase(),
    output: "else",
  }))
  const grown = await split("b.jsonl", [...shouted, ...records.toReversed(), ...[1001, 1002].map(good)])
  const lower = (of: ReadonlyArray<string>) => new Set(of.map((text) => text.toLowerCase()))
  expect(new Set(first.eval.filter((text) => !grown.eval.includes(text)))).toEqual(new Set())
  expect(Array.from(lower(grown.eval)).filter((text) => lower(grown.train).has(text))).toEqual([])
})

it("converts there and back without a loss, and counts what cannot be said", async () => {
  const records = [
    { instruction: "a", input: "", output: "b", system: "be kind" },
    { instruction: "c", input: "", output: "d", history: [["e", "f"]] },
  ]
  const start = put("alpaca.json", JSON.stringify(records))
  for (const form of ["openai", "sharegpt"] as const) {
    await convertFile(start, form, join(folder, `${form}.jsonl`))
    await convertFile(join(folder, `${form}.jsonl`), "alpaca", join(folder, "back.json"))
    expect(JSON.parse(readFileSync(join(folder, "back.json"), "utf8"))).toEqual(records)
  }
  const done = await convertFile(start, "preference", join(folder, "none.json"))
  expect(done).toMatchObject({ from: "alpaca", written: 0, left: { count: 2, records: [1, 2] } })
})

describe("expand", () => {
  let server: Server
  let asked: Array<any>
  let failAfter = Infinity
  beforeEach(async () => {
    asked = []
    failAfter = Infinity
    server = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => (body += chunk))
      request.on("end", () => {
        if (asked.length >= failAfter) return void response.writeHead(401).end("no credit")
        const n = asked.push({ ...JSON.parse(body), authorization: request.headers.authorization })
        // Two new ones, one that was there before, one that is broken.
        const lines = [`alpha${n} beta${n} gamma${n}`, `delta${n} epsilon${n} zeta${n}`, "What is number 3?"].map(
          (instruction) => JSON.stringify({ instruction, output: `answer ${n}` }),
        )
        const content = `Here they are:\n${lines.join("\n")}\n{"instruction": "torn\n`
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content } }] }))
      })
    })
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  })
  afterEach(() => new Promise((done) => server.close(done)))

  it("asks until there are enough, takes nothing twice, and continues after an interruption", async () => {
    const seeds = await readSeeds(jsonl("seed.jsonl", [1, 2, 3, 4].map(good)))
    expect(costOf(seeds, 20, 5)).toMatchObject({ requests: 5 })
    const target = join(folder, "more.jsonl")
    const { port } = server.address() as { port: number }
    const options = {
      endpoint: `http://127.0.0.1:${port}/v1/`,
      model: "tiny",
      key: "secret-key",
      to: 7,
      target,
      perRequest: 3,
      seed: 0,
      temperature: 1,
      onProgress: () => undefined,
    }
    failAfter = 2
    await expect(expandFile(seeds, options)).rejects.toThrow(/answered 401: no credit/)
    // Killed while it wrote.
    writeFileSync(target, `${readFileSync(target, "utf8")}{"instruction": "half a li`)
    failAfter = Infinity
    expect(await expandFile(seeds, options)).toEqual({ have: 7, refused: 1 })
    const records = readFileSync(target, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(records).toHaveLength(7)
    expect(new Set(records.map(({ instruction }) => instruction)).size).toBe(7)
    expect(records.map(({ provenance }) => provenance.round)).toEqual([1, 1, 2, 2, 3, 3, 4])
    expect(records[0].provenance).toMatchObject({ model: "tiny", shown: expect.any(Array) })
    expect(asked[0]).toMatchObject({ model: "tiny", authorization: "Bearer secret-key" })
    expect(readFileSync(target, "utf8")).not.toContain("secret-key")
  })

  it("ends when nothing new comes", async () => {
    const seeds = await readSeeds(jsonl("seed.jsonl", [1, 2, 3].map(good)))
    server.removeAllListeners("request")
    server.on("request", (_, response) => response.end(JSON.stringify({ choices: [{ message: { content: "no" } }] })))
    const { port } = server.address() as { port: number }
    const options = {
      endpoint: `http://127.0.0.1:${port}`,
      model: "m",
      key: null,
      to: 5,
      target: join(folder, "x.jsonl"),
      perRequest: 5,
      seed: 0,
      temperature: 1,
      onProgress: () => undefined,
    }
    await expect(expandFile(seeds, options)).rejects.toThrow(/8 answers in a row held nothing new: 0 of 5/)
  })
})
