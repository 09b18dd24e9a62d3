// Elements, requests and the states that every part of the page has: loading, empty, broken.

/** An element. Properties that begin with `on` are listeners; false and null leave an attribute out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A part of an SVG drawing. */
export function drawn(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** What went wrong, as `make dev` tells it: what, what was found, what to do. */
export class Problem extends Error {
  constructor({ what, found, remedy }, status = 0) {
    super(`${what}: ${found}`);
    Object.assign(this, { what, found, remedy, status });
  }
}

const GONE = { what: "make dev", found: "it does not answer", remedy: "start it again in its terminal; this page goes on by itself" };

/** What `make dev` answers below /dev/api. Throws Problem. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`api/${path}`, { ...options, signal: AbortSignal.timeout(150_000) });
  } catch {
    document.dispatchEvent(new CustomEvent("gone"));
    throw Object.assign(new Problem(GONE), { gone: true });
  }
  document.dispatchEvent(new CustomEvent("answered"));
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem({ what: content.what ?? path, found: content.found ?? `status ${answer.status}`, remedy: content.remedy ?? "look at the terminal of make dev" }, answer.status);
  return content;
}

export const send = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });

export const loading = () => h("div", { class: "state", role: "status", "aria-label": "Loading" }, h("span", { class: "bone" }), h("span", { class: "bone" }), h("span", { class: "bone" }));

export const empty = (title, ...says) => h("div", { class: "state" }, h("h2", {}, title), h("p", {}, ...says));

export function broken(problem, again) {
  const retry = again && h("button", { type: "button", class: "plain", onclick: again }, "Try again");
  return h("div", { class: "state broken", role: "alert" }, h("h2", {}, problem.what ?? "This part of the page failed"), h("p", {}, problem.found ?? String(problem)), problem.remedy && h("p", {}, `To do: ${problem.remedy}`), retry);
}

/**
 * Fills a place again and again while the page is in sight, and draws only what has changed.
 * `load` gives what `draw` makes elements of. Returns a function that asks at once, and one that ends it.
 */
export function keepFresh(place, load, draw, seconds) {
  let shown = null, timer = 0, ended = false, turn = 0;
  const now = async () => {
    clearTimeout(timer);
    const mine = ++turn;
    try {
      const content = await load();
      if (ended || mine !== turn) return;
      const text = JSON.stringify(content);
      if (text !== shown) {
        shown = text;
        place.replaceChildren(draw(content));
      }
    } catch (problem) {
      if (ended || mine !== turn) return;
      // What was shown stays while make dev is away: the banner tells of it.
      const stays = problem.gone && shown !== null;
      if (!stays && shown !== String(problem)) place.replaceChildren(broken(problem, () => { place.replaceChildren(loading()); shown = null; now(); }));
      if (!stays) shown = String(problem);
    }
    timer = setTimeout(() => (document.hidden ? again() : now()), seconds * 1000);
  };
  const again = () => document.addEventListener("visibilitychange", now, { once: true });
  place.replaceChildren(loading());
  now();
  return { now, end: () => { ended = true; clearTimeout(timer); document.removeEventListener("visibilitychange", now); } };
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false }) + "." + String(Math.floor((seconds % 1) * 1000)).padStart(3, "0");
export const milliseconds = (value) => (value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`);
export const lasting = (seconds) => (seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`);
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
export const link = (to, ...children) => h("a", { href: `#/${to}` }, ...children);
export const table = (label, heads, rows) =>
  h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: head.startsWith("#") ? "number" : null }, head.replace(/^#/, ""))))), h("tbody", {}, rows)));
