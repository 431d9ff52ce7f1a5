// Text to copy: a block of code with a button. Without scripts the button is not there and the text can be selected.
import { html, type Html } from "../Html.ts"
import { say } from "../Say.ts"
import { copy } from "../strings/head.ts"

export const copyBlock = (text: string): Html =>
  html`<div class="copy">
    <button type="button" class="js" data-copy>
      <span class="idle">${say(copy.button)}</span><span class="done">${say(copy.done)}</span>
    </button>
    <pre translate="no" tabindex="0"><code>${text}</code></pre>
  </div>`
