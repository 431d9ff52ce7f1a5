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
