// Processes and servers, and a token for each role.
import { ask, broken, count, h, keepFresh, lasting, link, send, table } from "./dom.js";

const STATES = { ready: "good", "not ready": "warn", restarting: "warn", ended: "bad" };

export function overview(main) {
  const state = h("div", {}), tokens = h("section", { class: "card", "aria-labelledby": "tokens" });
  main.append(h("h1", {}, "Overview"), h("div", { class: "two" }, state, tokens));
  offerTokens(tokens);
  return keepFresh(state, () => ask("state"), drawState, 2).end;
}

function drawState(state) {
  const rows = state.processes.map((each) =>
    h("tr", {},
      h("td", {}, link(`logs?process=${encodeURIComponent(each.name)}`, each.name)),
      h("td", {}, h("span", { class: `pill ${STATES[each.state]}` }, each.state)),
      h("td", { class: "number" }, each.seconds === null ? "–" : lasting(each.seconds)),
      h("td", { class: "number" }, String(each.restarts)),
      h("td", { class: "number" }, each.memory_mb === null ? "–" : `${each.memory_mb} MB`),
      h("td", { class: "number" }, (each.counts.requests ?? 0).toLocaleString("en")),
      h("td", { class: "number" }, (each.counts.request_errors ?? 0).toLocaleString("en")),
      h("td", {}, h("code", {}, each.url))));
  const servers = state.servers.map((each) =>
    h("tr", {}, h("td", {}, each.name), h("td", {}, h("span", { class: `pill ${each.alive ? "good" : "bad"}` }, each.alive ? "runs" : "down")), h("td", {}, h("code", {}, each.address))));
  return h("div", {},
    h("section", { class: "card" }, h("h2", {}, "Processes of the services"),
      table("Processes", ["Process", "State", "#Up for", "#Restarts", "#Memory", "#Requests", "#Failed", "Address"], rows)),
    h("section", { class: "card" }, h("h2", {}, "Servers"),
      state.servers.some((each) => !each.alive) && h("p", { class: "told" }, "A server that is down does not start by itself: press Ctrl-C in the terminal of make dev and start it again."),
      table("Servers", ["Server", "State", "Address"], servers)));
}

async function offerTokens(place) {
  place.replaceChildren(h("h2", { id: "tokens" }, "Tokens"), h("p", { class: "soft" }, "Loading the roles…"));
  let state;
  try {
    state = await ask("state");
  } catch (problem) {
    place.replaceChildren(h("h2", { id: "tokens" }, "Tokens"), broken(problem, () => offerTokens(place)));
    return;
  }
  const subject = h("input", { value: state.subject, maxlength: "64", autocomplete: "off" });
  const out = h("div", { "aria-live": "polite" });
  const make = async (role) => {
    try {
      const { token, seconds } = await send("tokens", { role, subject: subject.value });
      const copied = await navigator.clipboard.writeText(token).then(() => true, () => false);
      const whose = role === "" ? "without a role" : `as ${role}`;
      out.replaceChildren(
        h("p", {}, h("strong", {}, copied ? "Copied. " : "Copy it from here. "), `A token of ${subject.value}, ${whose}, good for ${count(seconds / 60, "minute")}.`),
        h("pre", { class: "token", tabindex: "0", "aria-label": "Token" }, token),
        h("p", { class: "soft" }, "Send it in the header ", h("code", {}, "authorization: Bearer …"), ", or use ", link("apis", "the API explorer"), ", which adds one by itself."));
    } catch (problem) {
      out.replaceChildren(broken(problem));
    }
  };
  place.replaceChildren(
    h("h2", { id: "tokens" }, "Tokens"),
    h("p", { class: "soft" }, "Of the local identity provider: no password, and no real person. A click copies one."),
    h("label", {}, "Subject", subject),
    h("div", { class: "roles" }, state.roles.map((role) => h("button", { type: "button", onclick: () => make(role) }, role)), h("button", { type: "button", class: "plain", onclick: () => make("") }, "no role")),
    out);
}
