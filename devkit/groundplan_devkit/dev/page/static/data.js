// Slow statements, and how often the cache had the answer.
import { ask, empty, h, keepFresh, link, milliseconds, table } from "./dom.js";

export function data(main) {
  const cache = h("section", { class: "card" }), slow = h("section", { class: "card" });
  main.append(h("h1", {}, "Data"), cache, slow);
  const drawCache = (services) => {
    const rows = services.map(({ name, hits, misses }) =>
      h("tr", {}, h("td", {}, name), h("td", { class: "number" }, hits.toLocaleString("en")), h("td", { class: "number" }, misses.toLocaleString("en")), h("td", { class: "number" }, `${Math.round((100 * hits) / (hits + misses))} %`)));
    return h("div", {}, h("h2", {}, "Cache"), rows.length
      ? table("Cache", ["Process", "#Hits", "#Misses", "#Hit rate"], rows)
      : empty("Nothing was looked up yet", "Ask twice for the same item ", link("apis", "in the API explorer"), ": the second answer comes from the cache. Processes count every few seconds."));
  };
  const drawSlow = ({ allowed_ms, statements }) => h("div", {}, h("h2", {}, "Slow statements"),
    h("p", { class: "soft" }, `That took longer than ${allowed_ms} ms, which system.yaml allows (query_p95_ms). Right after a start all of them do. `, link("logs?kind=slow_query", "As log lines")),
    statements.length
      ? table("Slow statements", ["Process", "#Times", "#Longest", "#Together", "Statement"], statements.map((each) =>
        h("tr", {}, h("td", {}, each.process), h("td", { class: "number" }, String(each.times)), h("td", { class: "number" }, milliseconds(each.most_ms)), h("td", { class: "number" }, milliseconds(each.all_ms)), h("td", {}, h("code", {}, each.statement)))))
      : empty("None", "Every statement so far was fast enough."));
  const counted = (state) => state.processes.map((each) => ({ name: each.name, hits: each.counts.cache_hits ?? 0, misses: each.counts.cache_misses ?? 0 })).filter((each) => each.hits + each.misses);
  const first = keepFresh(cache, async () => counted(await ask("state")), drawCache, 3);
  const second = keepFresh(slow, () => ask("statements"), drawSlow, 3);
  return () => { first.end(); second.end(); };
}
