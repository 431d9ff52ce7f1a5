import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { redactDeep, redacted, redactor, secretsIn } from "../src/Secrets.ts"

describe("secrets of an environment", () => {
  it("are found by the names the field uses", () => {
    const value = "abcdefgh12345"
    const names = [
      "HF_TOKEN",
      "HUGGING_FACE_HUB_TOKEN",
      "WANDB_API_KEY",
      "OPENAI_APIKEY",
      "AWS_SECRET_ACCESS_KEY",
      "DB_PASSWORD",
      "my_secret",
      "GOOGLE_CREDENTIALS",
    ]
    const others = [
      "PATH",
      "TOKENIZERS_PARALLELISM",
      "HF_TOKEN_PATH",
      "SSH_AUTH_SOCK_DIR",
      "KEYBOARD",
      "AUTHOR",
      "HF_HOME",
    ]
    const environment = Object.fromEntries([...names, ...others].map((name) => [name, value]))
    expect(secretsIn(environment).map(({ name }) => name)).toEqual(names)
  })

  it("are the passwords in addresses, of proxies above all", () => {
    const environment = {
      HTTPS_PROXY: "http://alice:p%40ss-word-1@proxy.example:3128",
      PIP_INDEX_URL: "https://bob:short@pypi.example/simple https://eve:second-password@other.example/simple",
      NO_PROXY: "localhost,127.0.0.1",
      PLAIN: "https://example.org/a:b@c",
    }
    const redact = redactor(secretsIn(environment))
    const said = Object.values(environment).join(" | ")
    for (const secret of ["p%40ss-word-1", "bob:short", "second-password"]) expect(redact(said)).not.toContain(secret)
    expect(redact("password p@ss-word-1 refused")).toBe(`password ${redacted} refused`)
    expect(redact(said)).toContain("proxy.example:3128")
    expect(redact(environment.PLAIN)).toBe(environment.PLAIN)
  })

  it("are not words and switches", () => {
    expect(secretsIn({ HF_TOKEN: "", WANDB_API_KEY: "true", MY_SECRET: undefined })).toEqual([])
  })
})

describe("redaction", () => {
  it("takes out every value, the longer first, and sweep's own tokens", () => {
    const redact = redactor([
      { name: "A", value: "hf_canary" },
      { name: "B", value: "hf_canary_longer" },
    ])
    const own = `sweep_0123abcd_${"x".repeat(43)}`
    expect(redact(`a hf_canary_longer b hf_canaryhf_canary ${own}.`)).toBe(
      `a ${redacted} b ${redacted}${redacted} ${redacted}.`,
    )
    expect(redactDeep(redact, { hf_canary: ["x hf_canary", 1, null, { y: "hf_canary" }] })).toEqual({
      [redacted]: [`x ${redacted}`, 1, null, { y: redacted }],
    })
  })

  it("leaves none, wherever it stands, and text without one alone", () => {
    const secret = fc.string({ minLength: 8, maxLength: 40 }).filter((text) => !redacted.includes(text))
    fc.assert(
      fc.property(fc.string(), secret, fc.string(), (before, value, after) => {
        const clean = redactor([{ name: "X", value }])(before + value + after)
        expect(clean).toContain(redacted)
        expect(clean.split(redacted).some((part) => part.includes(value))).toBe(false)
      }),
    )
    expect(redactor([{ name: "X", value: "12345678" }])("1234567 and 2345678")).toBe("1234567 and 2345678")
  })
})
