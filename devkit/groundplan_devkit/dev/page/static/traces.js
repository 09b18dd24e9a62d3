// Traces: a request through database, outbox, broker and the consumers of other services.
import { ask, clock, count, drawn, empty, h, keepFresh, link, loading, milliseconds, table } from "./dom.js";

export function traces(main, asked) {
  const text = h("input", { type: "search", class: "wide", value: asked.get("text") ?? "", placeholder: "Route, event, process or id" });
  const failed = h("input", { type: "checkbox" });
  const list = h("div", { class: "card" });
  const draw = ({ traces, more }) => {
    if (!traces.length) {
      return text.value || failed.checked
        ? empty("No trace matches", "Take fewer words, or show those without a failure too.")
        : empty("No trace yet", "Send a request: ", link("apis", "the API explorer"), " or curl. It is here a second later, with all that it causes in other services.");
    }
    const rows = traces.map((each) =>
      h("tr", {},
        h("td", { class: "mono soft" }, clock(each.started)),
        h("td", {}, link(`traces/${each.id}`, each.title)),
        h("td", {}, each.failed ? h("span", { class: "pill bad" }, count(each.failed, "failure")) : each.status ? h("span", { class: `pill ${each.status < 400 ? "good" : "warn"}` }, String(each.status)) : ""),
        h("td", {}, each.processes.join(" → ")),
        h("td", { class: "number" }, each.answered_ms === null ? "–" : milliseconds(each.answered_ms)),
        h("td", { class: "number" }, milliseconds(each.duration_ms)),
        h("td", { class: "number" }, String(each.spans))));
    return h("div", {}, table("Traces", ["Began", "What", "Outcome", "Processes", "#Answered in", "#All of it", "#Spans"], rows), more ? h("p", { class: "soft" }, `${count(more, "older trace")} left out: search for less.`) : "");
  };
  main.append(h("h1", {}, "Traces"),
    h("form", { class: "bar", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", {}, "Search", text), h("label", { class: "check" }, failed, " With a failure only")), list);
  const fresh = keepFresh(list, () => ask(`traces?${new URLSearchParams({ text: text.value, ...(failed.checked ? { failed: "1" } : {}) })}`), draw, 1.5);
  text.addEventListener("input", () => fresh.now());
  failed.addEventListener("change", () => fresh.now());
  return fresh.end;
}

export function trace(main, _asked, id) {
  const place = h("div", {});
  main.append(h("h1", {}, "Trace ", h("code", {}, id)), h("p", {}, link("traces", "All traces"), " · ", link(`logs?trace=${id}`, "Its log lines")), place);
  // A trace that was followed from a request may not have been exported yet.
  const load = () => ask(`traces/${encodeURIComponent(id)}`).catch((problem) => { if (problem.status === 404) return null; throw problem; });
  const draw = (found) => (found === null ? h("div", { class: "card" }, loading(), h("p", { class: "state" }, "Not here yet: services export spans twice a second. Old traces make room for new ones.")) : drawTrace(found));
  return keepFresh(place, load, draw, 1).end;
}

function drawTrace(found) {
  const all = Math.max(found.duration_ms, 0.001);
  return h("section", { class: "card" },
    h("h2", {}, found.title),
    h("p", {}, `${count(found.spans.length, "span")} in ${count(found.processes.length, "process", "processes")}, ${milliseconds(found.duration_ms)} in all`, found.answered_ms === null ? "" : `; answered in ${milliseconds(found.answered_ms)}`, found.left_out ? `; ${count(found.left_out, "span")} left out` : "", "."),
    h("p", { class: "path-of" }, found.processes.join(" → ")),
    h("ol", { class: "spans" }, found.spans.map((span) => drawSpan(span, all))));
}

function drawSpan(span, all) {
  const bar = drawn("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("rect", { class: span.failure ? "failed" : span.kind, x: (span.offset_ms / all) * 1000, y: 1, height: 8, width: Math.max(4, (span.duration_ms / all) * 1000) }));
  const title = h("span", { class: "title" }, `${"\u2003".repeat(Math.min(span.depth, 8))}${span.title}`);
  return h("li", {},
    h("details", {},
      h("summary", {}, h("span", { class: "soft" }, span.process), title, bar, h("span", { class: "number" }, milliseconds(span.duration_ms))),
      h("dl", {},
        h("dt", {}, "kind"), h("dd", {}, span.kind), h("dt", {}, "began"), h("dd", {}, `after ${milliseconds(span.offset_ms)}`),
        span.failure && [h("dt", {}, "failure"), h("dd", {}, span.failure)],
        Object.entries(span.attributes).map(([name, value]) => [h("dt", {}, name), h("dd", { class: "mono" }, String(value))]))));
}
