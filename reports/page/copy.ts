// Buttons that copy the block beside them. Where the clipboard is refused (a page opened from a file, in some browsers)
// the text is selected instead, so that one key press remains.
const select = (element: Element): void => {
  const range = document.createRange()
  range.selectNodeContents(element)
  const selection = window.getSelection()
  selection?.removeAllRanges()
  selection?.addRange(range)
}

export const copyButtons = (): void => {
  for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
    const block = button.parentElement?.querySelector("pre")
    if (block === null || block === undefined) continue
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent)
        button.classList.add("copied")
        setTimeout(() => button.classList.remove("copied"), 1600)
      } catch {
        select(block)
      }
    })
  }
}
