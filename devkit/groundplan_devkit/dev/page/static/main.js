// The frame: which part is shown, whether make dev answers, how its processes are.
import { ask, h } from "./dom.js";
import { apis } from "./apis.js";
import { data } from "./data.js";
import { events } from "./events.js";
import { logs } from "./logs.js";
import { overview } from "./overview.js";
import { trace, traces } from "./traces.js";

const PARTS = { "": overview, apis, traces, logs, events, data };
const HEALTH_SECONDS = 3;
const main = document.getElementById("main");
const lost = document.getElementById("lost");
let leave = () => {};

function show() {
  const [path, query = ""] = location.hash.replace(/^#\//, "").split("?");
  const [part, item] = path.split("/");
  leave();
  const asked = new URLSearchParams(query);
  main.replaceChildren();
  const draw = part === "traces" && item ? trace : (PARTS[part] ?? overview);
  leave = draw(main, asked, item) ?? (() => {});
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${part}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function told(text, kind) {
  const health = document.getElementById("health");
  if (health.textContent !== text) health.textContent = text;
  health.className = `pill ${kind}`;
}

async function health() {
  try {
    const state = await ask("state");
    document.getElementById("system").textContent = state.system;
    document.title = `${state.system} · make dev`;
    const waiting = state.processes.filter((each) => each.state !== "ready").map((each) => each.name);
    const down = state.servers.filter((each) => !each.alive).map((each) => each.name);
    if (down.length) told(`down: ${down.join(", ")}`, "bad");
    else if (!state.ready) told("starting", "warn");
    else if (waiting.length) told(`not ready: ${waiting.length}`, "warn");
    else told("all ready", "good");
  } catch {
    told("no answer", "bad");
  }
  setTimeout(() => (document.hidden ? document.addEventListener("visibilitychange", health, { once: true }) : health()), HEALTH_SECONDS * 1000);
}

document.addEventListener("gone", () => {
  if (lost.hidden) lost.replaceChildren(h("span", {}, "make dev does not answer. Start it again in its terminal; this page goes on by itself."));
  lost.hidden = false;
});
document.addEventListener("answered", () => { lost.hidden = true; });
window.addEventListener("hashchange", () => { show(); main.focus({ preventScroll: true }); scrollTo(0, 0); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
show();
health();
