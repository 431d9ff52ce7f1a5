import { expect, it } from "vitest"
import { escape, html, join, plain, scriptJson, unsafe } from "../src/Html.ts"

it("escapes what stands in a hole, once", () => {
  const hostile = `</script><img src=x onerror='alert(1)'>"&\``
  expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(
    '<p title="&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&quot;&amp;&#96;">' +
      "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&quot;&amp;&#96;</p>",
  )
  expect(html`<b>${html`<i>${"<"}</i>`}</b>`.markup).toBe("<b><i>&lt;</i></b>")
})

it("keeps raw markup only when asked to", () => {
  expect(html`${"<br>"}${unsafe("<br>")}`.markup).toBe("&lt;br&gt;<br>")
})

it("writes lists, numbers and nothing", () => {
  expect(html`${[1, "<", [html`<i></i>`]]}${null}${undefined}${false}${0}`.markup).toBe("1&lt;<i></i>0")
  expect(join(["a", "b"], ", ").markup).toBe("a, b")
  expect(join([], ", ").markup).toBe("")
})

it("drops terminal codes and shows reordering marks", () => {
  expect(plain("\u001b[31mred\u001b[0m \u001b]0;title\u0007\u001b[2Kend")).toBe("red end")
  expect(plain("a\u202eb\u2066c")).toBe("a[U+202E]b[U+2066]c")
  expect(plain("a\u0000b\u0085c\td\r\ne\rf")).toBe("a\ufffdb\ufffdc\td\ne\nf")
  expect(escape("\u001b[1m<b>")).toBe("&lt;b&gt;")
})

it("leaves text of other scripts alone", () => {
  expect(escape("莱娜喜欢吃鱼饼。 مرحبا 😀")).toBe("莱娜喜欢吃鱼饼。 مرحبا 😀")
})

it("writes JSON that cannot leave its script", () => {
  const value = { a: "</script><!--\u2028\u2029&", b: Number.NaN, c: "\\" }
  const text = scriptJson(value).markup
  expect(text).not.toMatch(/[<>&\u2028\u2029]/)
  expect(JSON.parse(text)).toEqual({ ...value, b: null })
})
