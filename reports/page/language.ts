// Which of the two languages shows: the reader's at first, the other at the press of the button.
export type Language = "en" | "zh"

export const language = (): Language => (document.documentElement.lang.startsWith("zh") ? "zh" : "en")

export const languageButton = (): void => {
  const set = (next: Language) => {
    document.documentElement.lang = next
  }
  if (navigator.language.toLowerCase().startsWith("zh")) set("zh")
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => set(language() === "en" ? "zh" : "en"))
  }
}
