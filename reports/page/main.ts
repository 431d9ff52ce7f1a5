// The page's program: draws the live charts over the pictures, and makes the table, the legend and the buttons work. The
// page is whole without it. It reads the data in the page and nothing else.
import type { PageData } from "../src/PageData.ts"
import { drawCharts } from "./charts.ts"
import { copyButtons } from "./copy.ts"
import { tieDrawings } from "./drawings.ts"
import { focusOf } from "./focus.ts"
import { languageButton } from "./language.ts"
import { sortableTables } from "./sort.ts"
import { tooltipOf } from "./tooltip.ts"

document.documentElement.classList.remove("no-js")
const data = JSON.parse(document.getElementById("data")!.textContent) as PageData

languageButton()
copyButtons()
sortableTables()
const focus = focusOf()
const tooltip = tooltipOf(data)
tieDrawings(focus, tooltip)
drawCharts(data, focus, tooltip)
