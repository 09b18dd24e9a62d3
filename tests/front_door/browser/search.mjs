// Looks something up on the site of the documentation: node search.mjs CHROMIUM ADDRESS WORD PAGE PICTURE
// The word is searched by keyboard, the result that leads to the page is followed, the other palette is taken, and kept
// on the next page. Prints as JSON what the console said, and where it ended.
import { chromium } from 'playwright-core'

const [, , executablePath, address, word, wanted, picture] = process.argv
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync',
  '--disable-component-update', '--no-first-run']
const browser = await chromium.launch({ executablePath, args: quiet })
const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
page.setDefaultTimeout(60_000)
const said = []
page.on('console', message => said.push(`${message.type()}: ${message.text()}`))
page.on('pageerror', error => said.push(`error: ${error}`))
await page.goto(`${address}/index.html`, { waitUntil: 'load' })
await page.keyboard.press('/')
await page.keyboard.type(word)
const result = page.locator(`.md-search-result__link[href*="${wanted}"]`).first()
await result.waitFor()
await page.screenshot({ path: picture, type: 'jpeg', quality: 60 })
await result.click()
await page.locator('h1').waitFor()
const place = page.url()
await page.keyboard.press('Escape')
await page.locator('label.md-header__button[title="Dark"]').click()
await page.goto(`${address}/tutorial.html`, { waitUntil: 'load' })
const scheme = await page.evaluate(() => document.body.getAttribute('data-md-color-scheme'))
await browser.close()
console.log(JSON.stringify({ said, place, scheme }))
