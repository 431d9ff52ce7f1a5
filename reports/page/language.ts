// Which of the two languages shows: the reader's at first, the other at the press of the button.
export type Language = "en" | "zh"

export const language = (): Language => (document.documentElement.lang.startsWith("zh") ? "zh" : "en")

export const languageButton = (): void => {
  const set = (next: Language) => {
    document.documentElement.lang = next
    // What is said of a picture has no room for two languages: the other one waits beside it.
    for (const picture of document.querySelectorAll("[data-zh]")) {
      const [said, other] = [picture.getAttribute("aria-label") ?? "", picture.getAttribute("data-zh") ?? ""]
      const isOther = picture.hasAttribute("data-swapped")
      if ((next === "zh") === isOther) continue
      picture.setAttribute("aria-label", other)
      picture.setAttribute("data-zh", said)
      picture.toggleAttribute("data-swapped", !isOther)
    }
  }
  if (navigator.language.toLowerCase().startsWith("zh")) set("zh")
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => set(language() === "en" ? "zh" : "en"))
  }
}
