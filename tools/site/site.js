// What the theme leaves out for those who use a keyboard or hear the page.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search")
for (const scrolled of document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap, .md-typeset__table")) {
  if (scrolled.scrollWidth > scrolled.clientWidth) scrolled.tabIndex = 0
}
