// What the theme leaves out for those who use a keyboard or hear the page.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search")

const scrollable = ".md-typeset pre > code, .md-typeset__scrollwrap, .md-typeset__table"

function letKeysScroll() {
  for (const each of document.querySelectorAll(scrollable)) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0
    else each.removeAttribute("tabindex")
  }
}

letKeysScroll()
// The theme puts tables into what scrolls after this script, widths follow the fonts, and the window is resized.
const content = document.querySelector(".md-content")
if (content) new MutationObserver(letKeysScroll).observe(content, { childList: true, subtree: true })
document.fonts.ready.then(letKeysScroll)
for (const event of ["load", "resize"]) window.addEventListener(event, letKeysScroll)
