// Which of the two languages shows, and the theme: those chosen last, at first the browser's. States and verdicts have the
// report's names.
import type { Text } from "../../../src/Say.ts"
import { states, verdicts } from "../../../src/strings/states.ts"
import { chinese } from "./chinese.ts"
import { english, type Words } from "./english.ts"

const kept = (name: string): string | null => {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
const keep = (name: string, value: string) => {
  try {
    localStorage.setItem(name, value)
  } catch {
    // A browser that keeps nothing: the choice holds for this visit.
  }
}

type Language = "en" | "zh"
let chosen: Language =
  (kept("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en")) === "zh" ? "zh" : "en"

export const language = (): Language => chosen
export const w = (key: keyof Words): string => (chosen === "zh" ? chinese : english)[key]

const shared: Readonly<Record<string, Text>> = { ...states, ...verdicts }

/** A state or verdict; one that this page does not know stands for itself. */
export const named = (key: string): string =>
  Object.hasOwn(shared, key) ? String(shared[key]![chosen]) : Object.hasOwn(english, key) ? w(key as keyof Words) : key

export const applyLanguage = (): void => {
  document.documentElement.lang = chosen
}
export const switchLanguage = (): void => {
  chosen = chosen === "en" ? "zh" : "en"
  keep("language", chosen)
  applyLanguage()
}
export const applyTheme = (): void => {
  const theme = kept("theme")
  if (theme === "dark" || theme === "light") document.documentElement.dataset["theme"] = theme
}
const isDark = (): boolean =>
  (document.documentElement.dataset["theme"] ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark"
export const switchTheme = (): void => {
  keep("theme", isDark() ? "light" : "dark")
  applyTheme()
}

/** What the reader chose in a view, for the next visit. */
export const remembered = (name: string): string | null => kept(`view:${name}`)
export const remember = (name: string, value: string): void => keep(`view:${name}`, value)
