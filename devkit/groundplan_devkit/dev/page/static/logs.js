// The services' logs, with search; the audit trail and errors are kinds of them.
import { ask, clock, count, empty, h, keepFresh, link } from "./dom.js";

const KINDS = [["", "All lines"], ["audit", "Audit trail"], ["slow_query", "Slow statements"], ["request", "Requests"], ["access_denied", "Access denied"]];
const LEVELS = [["debug", "All levels"], ["info", "Info and above"], ["warning", "Warnings and errors"], ["error", "Errors only"]];

export function logs(main, asked) {
  const chosen = (name, otherwise) => asked.get(name) ?? otherwise;
  const text = h("input", { type: "search", class: "wide", value: chosen("text", ""), placeholder: "All of these words" });
  const process = h("select", {}, h("option", { value: "" }, "All processes"));
  const level = h("select", {}, LEVELS.map(([value, name]) => h("option", { value, selected: value === chosen("level", "debug") }, name)));
  const kind = h("select", {}, KINDS.map(([value, name]) => h("option", { value, selected: value === chosen("kind", "") }, name)));
  const follow = h("input", { type: "checkbox", checked: true });
  const trace = asked.get("trace") ?? "";
  const list = h("div", { class: "card" });
  main.append(
    h("h1", {}, "Logs"),
    trace && h("p", {}, "Of the trace ", link(`traces/${trace}`, h("code", {}, trace)), ". ", link("logs", "Show all lines")),
    h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); fresh.now(); } },
      h("label", {}, "Search", text), h("label", {}, "Process", process), h("label", {}, "Kind", kind), h("label", {}, "Level", level),
      h("label", { class: "check" }, follow, " Follow")),
    list);
  const open = new Set();
  let last = null;
  const load = async () => {
    if (!follow.checked && last && last.asked === query()) return last.content;
    const content = await ask(`logs?${query()}`);
    last = { asked: query(), content };
    return content;
  };
  const query = () => String(new URLSearchParams({ text: text.value, process: process.value, level: level.value, kind: kind.value, trace }));
  const fill = async () => {
    const state = await ask("state").catch(() => ({ processes: [] }));
    process.append(...state.processes.map((each) => h("option", { value: each.name, selected: each.name === asked.get("process") }, each.name)));
    fresh.now();
  };
  const draw = ({ lines, more, read }) => {
    if (!lines.length) return read ? empty("No line matches", "Take fewer words, another process or another kind.") : empty("Nothing was logged yet", "Services write when they start and when something happens: ", link("apis", "send a request"), ".");
    return h("div", {},
      h("p", { class: "soft" }, `${count(lines.length, "line")}, the newest first`, more ? `; ${count(more, "older line")} left out: search for less` : ""),
      h("ol", { class: "log" }, [...lines].reverse().map((line) => drawLine(line, open))));
  };
  const fresh = keepFresh(list, load, draw, 1.5);
  for (const each of [process, level, kind]) each.addEventListener("change", () => fresh.now());
  text.addEventListener("input", () => fresh.now());
  fill();
  return fresh.end;
}

function drawLine(line, open) {
  const head = [h("span", { class: "soft mono" }, clock(line.time)), h("span", {}, line.process), h("span", { class: line.level === "error" ? "pill bad" : line.level === "warning" ? "pill warn" : "soft" }, line.level), h("span", { class: "message" }, [line.message, line.fields.operation ?? line.fields.statement].filter(Boolean).join(": "))];
  const fields = Object.entries(line.fields);
  if (!fields.length && !line.trace_id) return h("li", {}, h("div", { class: `flat ${line.level}` }, head));
  const more = h("details", { open: open.has(line.number) }, h("summary", { class: line.level }, head));
  const fill = () => {
    if (more.childElementCount > 1) return;
    more.append(h("div", {}, line.trace_id && h("p", {}, link(`traces/${line.trace_id}`, "Its trace")), h("dl", {}, fields.map(([name, value]) => [h("dt", {}, name), h("dd", { class: "mono" }, typeof value === "string" ? value : JSON.stringify(value))]))));
  };
  if (more.open) fill();
  more.addEventListener("toggle", () => {
    if (more.open) { open.add(line.number); fill(); } else open.delete(line.number);
  });
  return h("li", {}, more);
}
