// Looks at pages in a headless browser: node look.mjs CHROMIUM WIDTHS.json
// WIDTHS.json: [{"page": "/file.html", "width": 1000, "scheme": "light", "picture": "/file.webp", "keyboard": true}, …]
// A page is a file, which may request nothing, or an address, which may request what is at the same origin.
// Prints as JSON, of each: what axe-core finds, console messages and errors, other requests, elements that are wider
// than the window, links and scrolling parts that the keyboard doesn't reach (unless "keyboard" is false).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const [, , executablePath, list] = process.argv
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync',
  '--disable-component-update', '--no-first-run']
const browser = await chromium.launch({ executablePath, args: quiet })
const found = []
for (const { page: file, width, scheme, picture, keyboard = true } of JSON.parse(readFileSync(list, 'utf8'))) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme })
  const page = await context.newPage()
  const address = /^https?:/.test(file) ? file : pathToFileURL(file).href
  const origin = address.startsWith('file:') ? null : new URL(address).origin
  const said = []
  const requested = []
  page.on('console', message => said.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', error => said.push(`error: ${error}`))
  page.on('request', request => { if (request.url() !== address && new URL(request.url()).origin !== origin) requested.push(request.url()) })
  await page.goto(address, { waitUntil: 'load' })
  await page.evaluate(settled)
  if (picture) await page.screenshot({ path: picture, type: 'jpeg', quality: 60 })
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  const unreached = keyboard ? await reached(page) : []
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run())
  found.push({
    page: file,
    width,
    scheme,
    violations: violations.map(each => `${each.id}: ${each.nodes.length} x ${each.nodes[0].target.join(' ')}`),
    said,
    requested,
    wider: Math.max(0, wider),
    unreached,
  })
  await context.close()
}
await browser.close()
console.log(JSON.stringify(found))

// Fonts are there, and colours no longer on their way from one scheme to another.
async function settled () {
  await document.fonts.ready
  const ending = document.getAnimations().filter(each => each.effect.getComputedTiming().endTime !== Infinity)
  await Promise.allSettled(ending.map(each => each.finished))
}

// What can be focused, and isn't by as many tabs as there are such elements.
async function reached (page) {
  const wanted = await page.$$eval('a[href], [tabindex="0"]', all => {
    all.forEach((each, number) => each.setAttribute('data-number', number))
    return all.length
  })
  const others = await page.$$eval('summary, button, input, select, textarea', all => all.length)
  const seen = new Set()
  for (let pressed = 0; pressed < wanted + others + 2; pressed++) {
    await page.keyboard.press('Tab')
    seen.add(await page.evaluate(() => document.activeElement.getAttribute('data-number')))
  }
  return [...Array(wanted).keys()].filter(number => !seen.has(String(number)))
}
