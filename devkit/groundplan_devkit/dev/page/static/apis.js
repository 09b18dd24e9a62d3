// The services' OpenAPI documents: an operation is filled in, sent with a token, and followed to its trace.
import { ask, broken, empty, h, link, loading, milliseconds, send } from "./dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
/** Of each collection (`/api/v1/orders`) the item that was seen last: its id and version are filled in. */
const seen = new Map();
const chosen = { role: null, subject: null };

export function apis(main) {
  const place = h("div", {});
  main.append(h("h1", {}, "APIs"), place);
  const fill = async () => {
    place.replaceChildren(loading());
    try {
      const [{ documents }, state] = await Promise.all([ask("documents"), ask("state")]);
      place.replaceChildren(documents.length ? drawAll(documents, state) : h("div", { class: "card" }, empty("No service is public", "Services with ", h("code", {}, "exposure: internal"), " are called by others, at the addresses that the overview shows.")));
    } catch (problem) {
      place.replaceChildren(h("div", { class: "card" }, broken(problem, fill)));
    }
  };
  fill();
}

function drawAll(documents, state) {
  const form = h("section", { class: "card", "aria-live": "off" }, empty("Choose an operation", "It is filled in with an example; you send it as whom you like."));
  const show = (document, method, path, button) => {
    for (const each of list.querySelectorAll("[aria-pressed]")) each.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true");
    form.replaceChildren(drawOperation(document, method, path, state));
  };
  const list = h("section", { class: "card", "aria-label": "Operations" }, documents.map(({ service, document, problem }) => {
    if (problem) return [h("h2", {}, service), h("p", { class: "told" }, problem)];
    const operations = Object.entries(document.paths).flatMap(([path, item]) => METHODS.filter((method) => method in item).map((method) => [method, path]));
    return [h("h2", {}, service), h("ul", { class: "operations" }, operations.map(([method, path]) => {
      const button = h("button", { type: "button", "aria-pressed": "false", onclick: () => show(document, method, path, button) }, h("span", { class: "method" }, method.toUpperCase()), h("span", { class: "path" }, path.replace(/^\/api/, "")));
      return h("li", {}, button);
    }))];
  }));
  return h("div", { class: "explorer" }, list, form);
}

const resolved = (document, part) => (part?.$ref ? part.$ref.slice(2).split("/").reduce((at, name) => at[name], document) : part);
const collectionOf = (path) => path.replace(/\/\{.*$/, "");

function drawOperation(document, method, path, state) {
  const operation = document.paths[path][method];
  const memory = seen.get(collectionOf(path)) ?? {};
  const parameters = [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map((each) => resolved(document, each)).filter((each) => each.name.toLowerCase() !== "x-request-id");
  const inputs = parameters.map((parameter) => ({ parameter, input: fieldOf(parameter, memory) }));
  const content = resolved(document, operation.requestBody)?.content?.["application/json"];
  const body = content && h("textarea", { spellcheck: "false" });
  if (body) body.value = JSON.stringify(content.example ?? content.schema?.example ?? {}, null, 2);
  const role = h("select", {}, h("option", { value: "-" }, "no token"), state.roles.map((each) => h("option", { value: each, selected: each === (chosen.role ?? state.roles[0]) }, each)));
  if (chosen.role === "-") role.value = "-";
  const subject = h("input", { value: chosen.subject ?? state.subject, maxlength: "64" });
  const button = h("button", { type: "submit" }, "Send");
  const out = h("div", { "aria-live": "polite" });
  const submit = async (event) => {
    event.preventDefault();
    Object.assign(chosen, { role: role.value, subject: subject.value });
    button.disabled = true;
    try {
      out.replaceChildren(await sent(method, path, inputs, body, role.value, subject.value));
    } catch (problem) {
      out.replaceChildren(broken(problem));
    } finally {
      button.disabled = false;
    }
  };
  return h("div", {},
    h("h2", {}, h("span", { class: "method" }, method.toUpperCase()), " ", h("code", {}, path)),
    operation.summary && h("p", {}, operation.summary),
    operation.description && h("p", { class: "soft" }, operation.description),
    h("form", { onsubmit: submit, autocomplete: "off" },
      h("div", { class: "fields" }, h("label", {}, "As", role), h("label", {}, "Subject", subject)),
      inputs.length ? h("div", { class: "fields" }, inputs.map(({ parameter, input }) => h("label", { title: parameter.description ?? null }, parameter.name + (parameter.required ? " (required)" : ""), input))) : "",
      body && h("p", {}, h("label", {}, "Body (JSON)", body)),
      button),
    out);
}

function fieldOf(parameter, memory) {
  const schema = parameter.schema ?? {};
  const choices = schema.enum ?? (schema.type === "boolean" ? [true, false] : null);
  if (choices) return h("select", {}, h("option", { value: "" }, ""), choices.filter((each) => each !== null).map((each) => h("option", { value: String(each) }, String(each))));
  const known = { id: memory.id, "if-match": memory.etag }[parameter.name.toLowerCase()];
  return h("input", { value: known ?? "", required: Boolean(parameter.required), class: parameter.in === "path" ? "wide" : null, placeholder: schema.default === undefined ? null : String(schema.default) });
}

async function sent(method, path, inputs, body, role, subject) {
  const headers = {}, query = new URLSearchParams();
  let address = path;
  for (const { parameter, input } of inputs) {
    if (input.value === "") continue;
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (parameter.in === "query") query.append(parameter.name, input.value);
    else if (parameter.in === "header") headers[parameter.name] = input.value;
  }
  if (body) headers["content-type"] = "application/json";
  if (role !== "-") headers.authorization = `Bearer ${(await send("tokens", { role, subject })).token}`;
  if (String(query)) address += `?${query}`;
  const began = performance.now();
  // Without the browser's own cache: what is shown is what the service answered.
  const answer = await fetch(address, { method: method.toUpperCase(), headers, body: body ? body.value : undefined, cache: "no-store" }).catch(() => {
    throw { what: `${method.toUpperCase()} ${address}`, found: "no answer came", remedy: "see whether make dev still runs in its terminal" };
  });
  const text = await answer.text(), took = performance.now() - began;
  let shown = text, item = null;
  try { const parsed = JSON.parse(text); shown = JSON.stringify(parsed, null, 2); item = parsed.data; } catch { /* no JSON: as it is */ }
  if (answer.ok && item) {
    const one = Array.isArray(item) ? item[0] : item;
    if (one?.id) seen.set(collectionOf(path), { id: one.id, etag: answer.headers.get("etag") ?? (one.version ? `"${one.version}"` : undefined) });
  }
  const trace = (answer.headers.get("x-request-id") ?? "").replaceAll("-", "").toLowerCase();
  return h("div", {},
    h("h3", {}, "Answer"),
    h("p", {}, h("span", { class: `pill ${answer.ok ? "good" : answer.status < 500 ? "warn" : "bad"}` }, `${answer.status} ${answer.statusText}`.trim()), ` in ${milliseconds(took)} `, /^[0-9a-f]{32}$/.test(trace) && link(`traces/${trace}`, "Its trace")),
    h("dl", {}, [...answer.headers].filter(([name]) => ["etag", "location", "x-request-id", "x-consistency-token", "retry-after", "deprecation", "sunset"].includes(name)).map(([name, value]) => [h("dt", {}, name), h("dd", { class: "mono" }, value)])),
    shown ? h("pre", { tabindex: "0", "aria-label": "Body of the answer" }, shown) : h("p", { class: "soft" }, "Without a body."));
}
