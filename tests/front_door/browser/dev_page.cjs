// Clicks through the page of `make dev` in headless Chromium: node dev_page.cjs <flow> <address> <folder of screenshots>
// Needs playwright-core and axe-core on NODE_PATH. Prints one line of JSON; ends with 1 on the first thing that is wrong.
const { readFileSync } = require("node:fs");
const { chromium } = require("playwright-core");

const [flow, address, folder] = process.argv.slice(2);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const found = { console: [], axe: [] };

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: flow === "states" ? "dark" : "light" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && found.console.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => found.console.push(`${page.url()}: ${error}`));
  try {
    await FLOWS[flow](page);
  } finally {
    await page.screenshot({ path: `${folder}/last-${flow}.png` });
    console.log(JSON.stringify(found));
    await browser.close();
  }
  if (found.console.length || found.axe.length) process.exitCode = 1;
}

async function look(page, name) {
  await page.waitForTimeout(400);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const each of violations) found.axe.push(`${name}: ${each.id} ${each.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary.split("\n")[1] ?? ""}`).join(" | ")}`);
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

const open = (page, part) => page.goto(`${address}#/${part}`);
const operation = (page, method, path) => page.getByRole("button", { name: `${method} ${path}`, exact: true }).click();

async function sent(page, status) {
  for (let tries = 1; ; tries++) {
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("heading", { name: "Answer" }).waitFor();
    await page.locator("form button:enabled", { hasText: "Send" }).waitFor();
    const said = await page.locator("main").innerText();
    if (said.includes(`\n${status} `)) return JSON.parse(await page.getByLabel("Body of the answer").innerText());
    // A busy machine: the service asks to be asked again, and the browser notes that it did.
    if (!said.includes("503 Service Unavailable") || tries === 5) throw new Error(`expected ${status}: ${said.slice(-1500)}`);
    found.console = found.console.filter((line) => !line.includes("status of 503"));
    await page.waitForTimeout(2000);
  }
}

async function place(page) {
  await open(page, "apis");
  await operation(page, "POST", "/v1/orders");
  await page.getByLabel("As").selectOption("customer");
  await page.getByLabel("Body (JSON)").fill('{"currency": "EUR"}');
  const { data: order } = await sent(page, 201);
  await operation(page, "POST", "/v1/order-lines");
  await page.getByLabel("Body (JSON)").fill(JSON.stringify({ order_id: order.id, article: "chair", quantity: 2 }));
  await sent(page, 201);
  await operation(page, "GET", "/v1/orders/{id}");
  await page.getByLabel("id (required)").fill(order.id);
  await sent(page, 200);
  await operation(page, "PUT", "/v1/orders/{id}");
  await page.getByLabel("Body (JSON)").fill('{"status": "placed", "currency": "EUR"}');
  await sent(page, 200);
}

const FLOWS = {
  /** Nothing has happened yet: what is empty says what to do. */
  async empty(page) {
    await open(page, "");
    await page.getByText("all ready").waitFor();
    await look(page, "overview");
    await open(page, "traces");
    await page.getByRole("heading", { name: "Traces" }).waitFor();
    await page.getByText("No trace yet").or(page.locator("tbody tr").first()).waitFor();
    await look(page, "traces-empty");
  },

  /** An order is placed; its trace reaches the payment. */
  async order(page) {
    await open(page, "");
    await page.getByRole("button", { name: "customer", exact: true }).click();
    await page.getByText("A token of").waitFor();
    await look(page, "token");
    await place(page);
    await look(page, "explorer");
    await page.getByRole("link", { name: "Its trace" }).click();
    await page.getByText("order-command → order-relay", { exact: false }).waitFor();
    await page.getByText("handle order.placed").first().waitFor();
    await page.getByText("handle payment.settled").first().waitFor();
    await page.locator(".spans summary", { hasText: "handle order.placed" }).first().click();
    await look(page, "trace");
    await page.getByRole("link", { name: "Its log lines" }).click();
    await page.locator(".log > li").first().waitFor();
    await look(page, "trace-logs");
    await open(page, "traces");
    await page.getByText("PUT /api/v1/orders/{id}").first().waitFor();
    await look(page, "traces");
    await open(page, "logs?kind=audit");
    await page.locator(".log summary").first().click();
    await look(page, "audit");
    await page.getByLabel("Search").fill("no-line-has-this-word");
    await page.getByText("No line matches").waitFor();
    await look(page, "logs-empty");
    await open(page, "data");
    await page.getByRole("heading", { name: "Slow statements" }).waitFor();
    await look(page, "data");
    await open(page, "events");
    await page.getByRole("heading", { name: "Topics" }).waitFor();
    await look(page, "events");
  },

  /** An order whose payment fails: its event becomes a dead letter. */
  async fail(page) {
    await place(page);
    await open(page, "events");
    await page.getByRole("button", { name: "Show dead letters of payment" }).click();
    await page.getByRole("heading", { name: "order.placed" }).waitFor();
    await page.evaluate(() => document.querySelector(".letters").scrollIntoView());
    await look(page, "dead-letters");
  },

  /** The handler is mended: the dead letter is handled again. */
  async redrive(page) {
    await open(page, "events");
    await page.getByRole("button", { name: "Show dead letters of payment" }).click();
    await page.getByRole("button", { name: "Redrive all" }).click();
    // As long as the page itself gives a redrive, which starts a process of the service.
    await page.getByText("dead letters: 1 handled, 0 refused again, 0 left").waitFor({ timeout: 150_000 });
    await page.getByText("None waits").waitFor();
    await page.evaluate(() => document.querySelector(".letters").scrollIntoView());
    await look(page, "redriven");
  },

  /** Loading, broken and lost: what the page asks for is held back, refused, or not answered. */
  async states(page) {
    await page.route("**/dev/api/events", async (route) => { await new Promise((done) => setTimeout(done, 3000)); await route.fallback(); });
    await open(page, "events");
    await page.getByLabel("Loading").waitFor();
    await look(page, "loading");
    await page.unroute("**/dev/api/events");
    const away = { what: "Kafka", found: "no answer within 5 s", remedy: "look at build/local/kafka.log; `make dev` starts it anew" };
    await page.route("**/dev/api/events", (route) => route.fulfill({ status: 503, json: away }));
    await open(page, "");
    await open(page, "events");
    await page.getByRole("button", { name: "Try again" }).waitFor();
    await look(page, "broken");
    await page.route("**/dev/api/**", (route) => route.abort());
    await page.getByText("Start it again in its terminal").first().waitFor();
    await look(page, "lost");
    // The browser's own words on answers that this flow refuses.
    found.console = found.console.filter((line) => !line.includes("Failed to load resource"));
  },
};

main().catch((error) => { console.error(String(error)); process.exitCode = 1; });
