// Secrets, and text without them. Owns which environment variables hold one, and taking their values out of text wherever
// they stand: by value, because a program prints its token without saying that it is one. Pure.
import { mapTexts } from "./mapTexts.ts"

/** A secret and where it comes from, for a person. */
export interface Secret {
  readonly name: string
  readonly value: string
}

const secretName =
  /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|AUTH|CREDENTIALS?)(_|$)/i
/** Where a secret lies is none. */
const namesPlace = /_(PATH|FILE|DIR|URL|URI|HOST)$/i
/** What turns something on or off, whatever its name: HF_HUB_DISABLE_IMPLICIT_TOKEN=1. */
const isSwitch = /^(|0|1|true|false|yes|no|on|off)$/i
/** Shorter values are words, numbers and switches, which stand everywhere. */
const shortest = 8

/** `scheme://user:password@host`, as proxies, package indexes and databases are named. */
const address = /[A-Za-z][A-Za-z0-9+.-]*:\/\/([^\s/:@]*):([^\s/@]+)@/g

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The passwords in the addresses of a value: with the user's name whatever their length, alone when long enough. */
const addressSecrets = (name: string, value: string): ReadonlyArray<Secret> =>
  Array.from(value.matchAll(address)).flatMap(([, user, password]) =>
    [`${user}:${password!}@`, ...[password!, decoded(password!)].filter((text) => text.length >= shortest)].map(
      (secret) => ({ name, value: secret }),
    ),
  )

/** Whether a variable holds a secret, by its name, however short the value is. Addresses with a password are not meant. */
export const isSecret = (name: string, value: string): boolean =>
  secretName.test(name) && !namesPlace.test(name) && !isSwitch.test(value.trim())

/** By the names that the field's tools use: HF_TOKEN, WANDB_API_KEY, AWS_SECRET_ACCESS_KEY …; and the passwords in addresses. */
export const secretsIn = (environment: Readonly<Record<string, string | undefined>>): ReadonlyArray<Secret> =>
  Object.entries(environment).flatMap(([name, text]) => {
    const value = text?.trim() ?? ""
    const inAddress = addressSecrets(name, value)
    if (inAddress.length > 0) return inAddress
    return value.length >= shortest && secretName.test(name) && !namesPlace.test(name) ? [{ name, value }] : []
  })

/** Tokens of sweep's own, whoever's they are. */
const ownToken = /sweep_[0-9a-f]{8}_[A-Za-z0-9_-]{43}/g

export const redacted = "[redacted]"

export type Redact = (text: string) => string

/** Takes every value of `secrets` out of a text. Longer ones first: one may be part of another. */
export const redactor = (secrets: ReadonlyArray<Secret>): Redact => {
  const values = Array.from(new Set(secrets.map(({ value }) => value))).sort((a, b) => b.length - a.length)
  return (text) => {
    let clean = text.includes("sweep_") ? text.replace(ownToken, redacted) : text
    for (const value of values) if (clean.includes(value)) clean = clean.replaceAll(value, redacted)
    return clean
  }
}

/** The same for every text in a value that is plain data, names of fields included. */
export const redactDeep = <A>(redact: Redact, value: A): A => mapTexts(value, redact, redact)
