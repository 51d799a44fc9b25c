// The console: follows the journal's event stream; after each burst it asks for clock, waiting deliveries and invariants.
"use strict";

const SHOWN = 300;
const entries = [];
const counts = {};
const $ = (query, root = document) => root.querySelector(query);
const rows = $("#journal tbody");
let paused = false;
let drawing = false;
let asking = null;
let asked = false;
let took = 0;

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== null && text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function mood(entry) {
  if (entry.kind === "event" || entry.kind === "integration") return "";
  return entry.status === null || entry.status >= 400 ? "bad" : "";
}

function short(text) {
  return (text || "").replace(/^com\.counterfoil\./, "").replace(/\.v1$/, "");
}

function matches(entry) {
  const kind = $("#kind").value;
  const words = $("#search").value.trim().toLowerCase();
  if (kind && entry.kind !== kind) return false;
  return !words || [entry.key, entry.operation, entry.trace, entry.correlation_id, entry.system, entry.path]
    .some((each) => each && each.toLowerCase().includes(words));
}

function row(entry) {
  const made = element("tr");
  made.tabIndex = 0;
  const lasted = entry.micros === null ? "" : (entry.micros / 1000).toFixed(1);
  made.append(
    element("td", entry.seq), element("td", entry.at.replace("T", " ").replace("Z", "")),
    element("td", entry.kind, "kind-" + entry.kind), element("td", entry.system),
    element("td", short(entry.operation)), element("td", entry.key),
    element("td", entry.status ?? (entry.kind === "delivery" ? "none" : ""), mood(entry)), element("td", lasted),
    element("td", entry.fault, "warn"));
  made.addEventListener("click", () => open(entry));
  made.addEventListener("keydown", (event) => event.key === "Enter" && open(entry));
  return made;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text || "(empty)"; }
}

function open(entry) {
  const dialog = $("#entry");
  $("h2", dialog).textContent = `${entry.seq}: ${entry.kind} ${short(entry.operation)} ${entry.key || ""}`;
  const list = $("dl", dialog);
  list.replaceChildren();
  for (const [name, value] of Object.entries(entry)) {
    if (value !== null && name !== "request" && name !== "response") list.append(element("dt", name), element("dd", value));
  }
  const [request, response] = dialog.querySelectorAll("pre");
  request.textContent = pretty(entry.request);
  response.textContent = pretty(entry.response);
  dialog.showModal();
}

function draw() {
  drawing = false;
  for (const [system, count] of Object.entries(counts)) {
    const card = $(`article[data-system="${system}"]`);
    if (!card) continue;
    for (const [name, value] of Object.entries(count)) {
      const place = $(`[data-count="${name}"]`, card);
      if (place) place.textContent = value;
    }
    $(".refused", card).classList.toggle("some", count.refused > 0);
    if (count.lit) { card.classList.add("lit"); count.lit = false; setTimeout(() => card.classList.remove("lit"), 60); }
  }
  if (!paused) rows.replaceChildren(...entries.filter(matches).slice(-SHOWN).reverse().map(row));
}

function later() {
  if (!drawing) { drawing = true; requestAnimationFrame(draw); }
  clearTimeout(asking);
  asking = setTimeout(ask, Math.max(400, 3 * took));  // leave a busy landscape most of its time
}

function take(entry) {
  let place = entries.length;  // a request has its number from its beginning and comes here at its end
  while (place > 0 && entries[place - 1].seq > entry.seq) place -= 1;
  entries.splice(place, 0, entry);
  if (entries.length > 5000) entries.splice(0, 1000);
  const count = counts[entry.system] ||= { request: 0, deed: 0, event: 0, delivery: 0, refused: 0 };
  if (entry.kind in count) count[entry.kind] += 1;
  if (mood(entry)) count.refused += 1;
  count.lit = true;
  later();
}

async function json(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

async function ask() {
  if (asked) return;
  asked = true;
  const started = performance.now();
  try {
    const [clock, pending, dead, dropped, verdict, integration] = await Promise.all([
      json("/clock"), json("/deliveries?state=PENDING&limit=50"), json("/deliveries?state=DEAD&limit=50"),
      json("/deliveries?state=DROPPED&limit=50"), json("/invariants"), json("/integration")]);
    if (clock) $("#clock").textContent = clock.now.replace("T", " ");
    if (integration) $("#integration").textContent = integration.name || "none registered";
    showDeliveries([pending, dead, dropped].flatMap((page) => (page ? page.items : [])));
    if (verdict) showVerdict(verdict);
  } finally { asked = false; took = performance.now() - started; }
}

function showDeliveries(items) {
  $("#waiting").textContent = items.length || "none";
  $("#deliveries").hidden = !items.length;
  $("#deliveries tbody").replaceChildren(...items.map((each) => {
    const made = element("tr");
    made.append(
      element("td", each.system), element("td", short(each.type)), element("td", each.key),
      element("td", each.state, each.state === "PENDING" ? "warn" : "bad"), element("td", each.attempts),
      element("td", (each.next_at || "").replace("T", " ").replace("Z", "")), element("td", each.last_error));
    return made;
  }));
}

function showVerdict(verdict) {
  const broken = verdict.items.filter((each) => each.status === "violated");
  const held = verdict.items.filter((each) => each.status === "held").length;
  const place = $("#verdict");
  place.textContent = broken.length ? `${broken.length} violated, ${held} hold` : `all ${held} hold`;
  place.className = broken.length ? "bad" : "good";
  const table = $("#violations table");
  table.hidden = !broken.length;
  $("tbody", table).replaceChildren(...broken.map((each) => {
    const made = element("tr");
    made.append(element("td", each.id, "bad"), element("td", each.rule, "wide"), element("td", each.count));
    return made;
  }));
}

async function start() {
  const page = await json("/journal?newest=true&limit=" + SHOWN);
  if (page) page.items.forEach(take);
  ask();
  const stream = new EventSource("/journal?since=" + (page ? page.last : 0));
  stream.onopen = () => { $("#stream").textContent = "live"; $("#stream").className = "good"; };
  stream.onerror = () => { $("#stream").textContent = "not connected"; $("#stream").className = "bad"; };
  for (const kind of ["request", "deed", "event", "delivery", "timer", "integration"]) {
    stream.addEventListener(kind, (event) => take(JSON.parse(event.data)));
  }
}

$("#kind").addEventListener("change", later);
$("#search").addEventListener("input", later);
$("#pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.textContent = paused ? "Go on" : "Pause";
  event.target.setAttribute("aria-pressed", paused);
  later();
});
start();
