// Topics, readers and dead letters, which can be handled again.
import { ask, broken, count, empty, h, keepFresh, link, loading, send, table } from "./dom.js";

export function events(main) {
  const overviewOf = h("div", {}), letters = h("section", { class: "card letters", "aria-live": "polite", hidden: true });
  main.append(h("h1", {}, "Events"), overviewOf, letters);
  const draw = ({ topics, readers }) => {
    if (!topics.length) return h("div", { class: "card" }, empty("This system has no events", "A service publishes and consumes what system.yaml declares: ", h("code", {}, "publishes: [order.placed]"), "."));
    const rows = readers.map((each) =>
      h("tr", {},
        h("td", {}, link(`logs?process=${encodeURIComponent(`${each.service}-${each.role}`)}`, each.name)),
        h("td", { class: "number" }, each.waiting === null ? "–" : each.waiting.toLocaleString("en")),
        h("td", { class: "number" }, each.dead_letters ? h("span", { class: "pill bad" }, each.dead_letters.toLocaleString("en")) : "0"),
        h("td", {}, each.dead_letters ? h("button", { type: "button", class: "plain", onclick: () => showLetters(letters, each.name, fresh) }, `Show dead letters of ${each.name}`) : "")));
    return h("div", {},
      h("section", { class: "card" }, h("h2", {}, "Readers"),
        readers.length ? table("Readers", ["Reader", "#Not read yet", "#Dead letters", "To do"], rows) : empty("No service reads events", "Topics fill, and the event log keeps them.")),
      h("section", { class: "card" }, h("h2", {}, "Topics"),
        table("Topics", ["Event", "Published by", "#Messages", "Read by"], topics.map((each) =>
          h("tr", {}, h("td", {}, each.event), h("td", {}, each.publisher), h("td", { class: "number" }, each.messages === null ? "–" : each.messages.toLocaleString("en")), h("td", {}, each.readers.join(", ") || "none"))))));
  };
  const fresh = keepFresh(overviewOf, () => ask("events"), draw, 3);
  return fresh.end;
}

async function showLetters(place, reader, fresh, said = null) {
  place.hidden = false;
  place.replaceChildren(h("h2", {}, `Dead letters of ${reader}`), loading());
  place.scrollIntoView({ block: "start" });
  try {
    const { letters } = await ask(`dead-letters/${encodeURIComponent(reader)}`);
    const redrive = h("button", { type: "button", onclick: () => again() }, "Redrive all");
    const again = async () => {
      redrive.disabled = true;
      redrive.textContent = "Handling them again…";
      try {
        const { outcome } = await send(`dead-letters/${encodeURIComponent(reader)}/redrive`, {});
        await showLetters(place, reader, fresh, h("p", { role: "status" }, h("span", { class: "pill good" }, "done"), ` ${outcome}`));
      } catch (problem) {
        await showLetters(place, reader, fresh, broken(problem));
      }
      fresh.now();
    };
    place.replaceChildren(...[
      h("h2", {}, `Dead letters of ${reader}`), said,
      letters.length
        ? [h("p", { class: "soft" }, `${count(letters.length, "letter")}, the newest first. Mend what the reason says, then have them handled again, in their order; what is refused again stays.`), redrive, ...letters.map(drawLetter)]
        : empty("None waits", "Events that a consumer gives up on, after several tries, come here with the reason.")].flat().filter(Boolean));
  } catch (problem) {
    place.replaceChildren(...[h("h2", {}, `Dead letters of ${reader}`), said, broken(problem, () => showLetters(place, reader, fresh))].filter(Boolean));
  }
}

function drawLetter(letter) {
  let event = null;
  try { event = JSON.parse(letter.body); } catch { /* then it is shown as it is */ }
  const id = typeof event?.correlation_id === "string" ? event.correlation_id.replaceAll("-", "").toLowerCase() : "";
  return h("article", {},
    h("h3", {}, letter.event || "unknown event"),
    h("dl", {}, h("dt", {}, "reason"), h("dd", {}, letter.reason || "none was written"), h("dt", {}, "from"), h("dd", {}, letter.origin), letter.failed_at && [h("dt", {}, "given up at"), h("dd", {}, letter.failed_at)],
      /^[0-9a-f]{32}$/.test(id) && [h("dt", {}, "request"), h("dd", {}, link(`traces/${id}`, "its trace"))]),
    h("pre", { tabindex: "0", "aria-label": "The event" }, event ? JSON.stringify(event, null, 2) : letter.body || "(left out: it was too large)"));
}
