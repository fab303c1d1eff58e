"use strict";
// The console: shows a plan and, each second, what the instances say. What comes from data becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
const MOST_DOTS = 8;
const LATE_S = 10;

let plan = null;
let state = null;
let shown = { actors: new Map(), lines: [] };
let scale = 1;
let open = null;

// ---- making elements

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function set(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- numbers for people

const grouped = (number) => Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
const rate = (number) => (number > 0 && number < 10 ? number.toFixed(1) : grouped(number)) + "/s";

function age(seconds) {
  if (seconds < 10) return seconds.toFixed(1) + " s";
  if (seconds < 120) return Math.round(seconds) + " s";
  return seconds < 7200 ? Math.round(seconds / 60) + " min" : Math.round(seconds / 3600) + " h";
}

function figures(numbers) {
  if (!numbers) return "";
  return numbers.rate === undefined ? "" : rate(numbers.rate);
}

function waits(numbers) {
  if (!numbers || !numbers.waiting) return "";
  return grouped(numbers.waiting) + " wait" + (numbers.oldest_s >= 1 ? ", " + age(numbers.oldest_s) : "");
}

const nameOf = (line) => line.source + " → " + line.destination + (line.label ? " (" + line.label + ")" : "");

// ---- the picture

function draw() {
  shown = { actors: new Map(), lines: [] };
  const [width, height] = plan.size;
  const picture = $("picture");
  picture.replaceChildren();
  if (plan.no_picture) {
    picture.append(h("p", { class: "note" }, "This graph is not drawn: ", plan.no_picture));
    show("table");
    return;
  }
  const lines = s("g", {}), actors = s("g", {});
  plan.lines.forEach((line, number) => lines.append(drawLine(line, number)));
  for (const actor of plan.actors) if (actor.at) actors.append(drawActor(actor));
  const tip = (id, kind) => s("marker", { id, class: kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9,
    markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, s("path", { class: "tip", d: "M0 0L8 4L0 8z" }));
  const svg = s("svg", { id: "graph", role: "group", "aria-label": "Graph of " + plan.topology,
    viewBox: [-8, -14, width + 16, height + 22].join(" ") }, s("defs", {}, tip("tip", ""), tip("busy-tip", "busy")), lines, actors);
  picture.append(svg);
  fit();
  const first = shown.actors.values().next().value;
  if (first) first.node.setAttribute("tabindex", 0);
}

function drawActor(actor) {
  const [x, y, width, height] = actor.at;
  const left = x - width / 2, top = y - height / 2;
  const parts = {
    actor,
    dots: s("g", {}),
    title: s("title", {}),
    letters: s("text", { x: left + width - 4, y: top + 1, "text-anchor": "end" }),
    under: s("rect", { y: top - 11, height: 16, rx: 8 }),
  };
  parts.badge = s("g", { class: "badge", hidden: true }, parts.under, parts.letters);
  parts.node = s("g", { class: "actor" + (actor.begins ? " begins" : ""), role: "button", tabindex: -1, "data-actor": actor.name,
    onclick: () => go("actor", actor.name), onfocus: () => rove(parts.node) },
    parts.title,
    s("rect", { class: "box", x: left, y: top, width, height, rx: actor.kind === "actor" ? 8 : 22 }),
    s("text", { x: left + 12, y: top + 22 }, actor.name),
    s("text", { class: "uses", x: left + 12, y: top + 38 }, actor.uses === actor.name ? actor.kind : actor.uses),
    parts.dots, parts.badge);
  shown.actors.set(actor.name, parts);
  return parts.node;
}

function drawLine(line, number) {
  const [x, y] = line.at;
  const parts = {
    line,
    title: s("title", {}),
    way: s("path", { class: "way", d: line.way, "marker-end": "url(#tip)" }),
    rate: s("text", { class: "figures", x, y: y - 7, "text-anchor": "middle" }),
    waits: s("text", { class: "figures", x, y: y + 6, "text-anchor": "middle" }),
    bar: s("rect", { class: "bar", x: x - 44, y: y + 9, width: 0, height: 5, rx: 2 }),
  };
  if (line.style === "broker") parts.way.setAttribute("marker-start", "url(#tip)");
  parts.node = s("g", { class: "line " + line.style, "data-line": number, onclick: () => go("line", number) },
    parts.title, parts.way, s("path", { class: "hit", d: line.way }), parts.rate, parts.waits, parts.bar);
  shown.lines.push(parts);
  return parts.node;
}

function dots(parts, instances) {
  const [x, y, width, height] = parts.actor.at;
  const seen = instances.map((one) => one.state).join();
  if (parts.seen === seen) return;
  parts.seen = seen;
  const left = x - width / 2 + 18, bottom = y + height / 2 - 13;
  const some = instances.slice(0, MOST_DOTS).map((one, n) => {
    const at = left + n * 15;
    return s("g", {}, s("circle", { class: "dot " + one.state, cx: at, cy: bottom, r: 5 }),
      one.state === "not-ready" ? s("path", { class: "half", d: `M${at} ${bottom - 5}a5 5 0 0 0 0 10z` }) : null);
  });
  if (instances.length > MOST_DOTS) {
    some[MOST_DOTS - 1] = s("text", { class: "figures", x: left + (MOST_DOTS - 1) * 15 - 4, y: bottom + 4 }, "of " + instances.length);
  }
  parts.dots.replaceChildren(...some);
}

function paintActor(parts, numbers) {
  if (!parts || !numbers) return;
  const { name, uses } = parts.actor, count = numbers.instances.length;
  dots(parts, numbers.instances);
  parts.node.classList.toggle("missing", numbers.ready < count);
  parts.node.classList.toggle("letters", numbers.letters > 0);
  const letters = numbers.letters ? grouped(numbers.letters) + " dead" : "";
  say(parts.letters, letters);
  if (letters) {
    const width = letters.length * 7.5 + 14, [x, , w] = parts.actor.at;
    set(parts.under, "width", width);
    set(parts.under, "x", x + w / 2 - width + 2);
  }
  parts.badge.toggleAttribute("hidden", !letters);
  const told = `${name}, ${uses}: ${numbers.ready} of ${count} ready` + (letters ? `, ${letters} letters` : "")
    + (numbers.failing ? `, ${rate(numbers.failing)} fail` : "");
  set(parts.node, "aria-label", told);
  const [query, command] = plan.queries.actors[name].ready;
  say(parts.title, `${told}\n${query}\n${command}`);
}

function paintLine(parts, numbers, number) {
  const busy = Boolean(numbers && numbers.rate > 0), late = Boolean(numbers && numbers.oldest_s >= LATE_S);
  parts.node.classList.toggle("busy", busy);
  parts.node.classList.toggle("late", late);
  set(parts.way, "marker-end", busy ? "url(#busy-tip)" : "url(#tip)");
  const text = figures(numbers), more = waits(numbers);
  say(parts.rate, text);
  say(parts.waits, more);
  set(parts.bar, "width", numbers && numbers.waiting ? Math.min(88, 10 + 16 * Math.log10(numbers.waiting)).toFixed(1) : 0);
  const sources = Object.entries(plan.queries.lines[number]).map(([what, [query]]) => `${what}: ${query}`);
  say(parts.title, [nameOf(parts.line), text, more, ...sources].filter(Boolean).join("\n"));
}

function fit() {
  const picture = $("picture");
  scale = Math.min(1.3, Math.max(0.25, (picture.clientWidth - 34) / (plan.size[0] + 16)));
  if (scale < 0.6) scale = 0.6;
  resize();
}

function resize() {
  const svg = $("graph");
  if (!svg) return;
  svg.setAttribute("width", ((plan.size[0] + 16) * scale).toFixed(0));
  svg.setAttribute("height", ((plan.size[1] + 22) * scale).toFixed(0));
}

function zoom(by) {
  scale = Math.min(3, Math.max(0.1, scale * by));
  resize();
}

// ---- the same as tables

const COLUMNS = ["ready", "in work", "failing", "dead letters"];

function tabulate() {
  const actors = h("tbody", {}), lines = h("tbody", {});
  shown.rows = plan.actors.map((actor) => {
    const cells = COLUMNS.map(() => h("td", { class: "number" }));
    actors.append(h("tr", {}, h("th", { scope: "row" }, h("button", { class: "link", onclick: () => go("actor", actor.name) }, actor.name)),
      h("td", {}, actor.uses), cells));
    return cells;
  });
  shown.lineRows = plan.lines.map((line, number) => {
    const cells = ["rate", "waiting", "in flight", "oldest"].map(() => h("td", { class: "number" }));
    lines.append(h("tr", {}, h("th", { scope: "row" }, h("button", { class: "link", onclick: () => go("line", number) }, nameOf(line))), cells));
    return cells;
  });
  const head = (...names) => h("thead", {}, h("tr", {}, names.map((name, n) => h("th", { scope: "col", class: n > 1 || name === "rate" ? "number" : null }, name))));
  $("tables").replaceChildren(
    h("table", {}, h("caption", {}, "Actors"), head("actor", "uses", ...COLUMNS), actors),
    h("table", {}, h("caption", {}, "Lines"), head("line", "rate", "waiting", "in flight", "oldest"), lines));
}

function paintTables() {
  plan.actors.forEach((actor, n) => {
    const numbers = state.actors[actor.name], cells = shown.rows[n];
    if (!numbers) return;
    say(cells[0], `${numbers.ready} of ${numbers.instances.length}`);
    cells[0].classList.toggle("bad", numbers.ready < numbers.instances.length);
    say(cells[1], grouped(numbers.in_work));
    say(cells[2], numbers.failing ? rate(numbers.failing) : "");
    say(cells[3], numbers.letters ? grouped(numbers.letters) : "");
    cells[3].classList.toggle("bad", numbers.letters > 0);
  });
  state.lines.forEach((numbers, n) => {
    const cells = shown.lineRows[n];
    say(cells[0], figures(numbers));
    say(cells[1], numbers ? grouped(numbers.waiting) : "");
    say(cells[2], numbers && numbers.in_flight !== undefined ? grouped(numbers.in_flight) : "");
    say(cells[3], numbers && numbers.oldest_s ? age(numbers.oldest_s) : "");
  });
}

// ---- the panel

function panel(title, ...children) {
  const box = $("panel");
  box.replaceChildren(h("div", { class: "head" }, h("h2", { id: "panel-title" }, title),
    h("button", { "aria-label": "Close", onclick: () => go() }, "✕")), ...children.flat(Infinity));
  box.hidden = false;
}

function numbersTable(rows) {
  return h("table", {}, h("caption", {}, "Numbers"), h("tbody", {}, rows.map(([name, cell, [query, command]]) =>
    h("tr", {}, h("th", { scope: "row" }, name, query ? h("code", { class: "source" }, query) : null, h("code", { class: "source" }, command)), cell))));
}

const STATES = { "ready": ["ready", "good"], "not-ready": ["not ready", "half-text"], "gone": ["gone", "bad"] };

function openActor(name) {
  const actor = plan.actors.find((one) => one.name === name);
  if (!actor) return go();
  const queries = plan.queries.actors[name];
  const names = { ready: "ready", in_work: "in work", failing: "failing", letters: "dead letters" };
  const cells = Object.fromEntries(Object.keys(queries).map((key) => [key, h("td", { class: "number" })]));
  const instances = h("tbody", {});
  const details = actor.kind === "actor" ? detailsOf(actor) : { box: null, stop: null };
  const touching = plan.lines.map((line, n) => [line, n]).filter(([line]) => line.source === name || line.destination === name);
  panel(name, h("p", { class: "faint" }, actor.uses, actor.kind === "actor" ? "" : ", " + actor.kind),
    numbersTable(Object.keys(queries).map((key) => [names[key], cells[key], queries[key]])),
    h("table", {}, h("caption", {}, "Instances"), instances),
    h("pre", { class: "log", hidden: true }),
    actor.kind === "actor" ? sendTo(actor) : null,
    details.box,
    h("h3", {}, "Lines"), touching.map(([line, n]) => h("div", {}, h("button", { class: "link", onclick: () => go("line", n) }, nameOf(line)))));
  leave = details.stop;
  let seen = "";
  return () => {
    const numbers = state.actors[name];
    if (!numbers) return;
    const told = { ready: `${numbers.ready} of ${numbers.instances.length}`, in_work: grouped(numbers.in_work),
      failing: rate(numbers.failing), letters: grouped(numbers.letters) };
    for (const key of Object.keys(cells)) say(cells[key], told[key]);
    if (seen === (seen = JSON.stringify(numbers.instances))) return;
    instances.replaceChildren(...numbers.instances.map((one) => {
      const [word, look] = STATES[one.state];
      const log = one.state !== "gone" && actor.kind === "actor" ? h("button", { class: "act", onclick: () => showLog(log.closest("aside"), name, one) }, "log") : null;
      return h("tr", {}, h("th", { scope: "row" }, one.name || "–", h("div", { class: "faint" }, one.address)), h("td", { class: look }, word), h("td", {}, log), h("td", {}, one.why));
    }));
  };
}

function openLine(number) {
  const line = plan.lines[number];
  if (!line) return go();
  const queries = plan.queries.lines[number];
  const names = { rate: "rate", waiting: "waiting", in_flight: "in flight", oldest_s: "oldest that waits" };
  const cells = Object.fromEntries(Object.keys(queries).map((key) => [key, h("td", { class: "number" })]));
  panel(nameOf(line), h("p", { class: "faint" }, line.service ? "requests for " + line.service : `outbox ${line.outbox}, inbox ${line.inbox}`),
    numbersTable(Object.keys(queries).map((key) => [names[key], cells[key], queries[key]])),
    line.service ? null : tapOf(line),
    h("h3", {}, "Ends"), [line.source, line.destination].map((end) => h("div", {}, h("button", { class: "link", onclick: () => go("actor", end) }, end))));
  return () => {
    const numbers = state.lines[number] || {};
    const told = { rate: (it) => rate(it), waiting: grouped, in_flight: grouped, oldest_s: age };
    for (const key of Object.keys(cells)) say(cells[key], numbers[key] === undefined ? "–" : told[key](numbers[key]));
  };
}

// ---- what an actor's instances remember: failures, dead letters, events that were recorded

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false }) ;
const traceLink = (trace) => h("button", { class: "link", onclick: () => go("event", trace) }, trace);

async function ask(path, query) {
  const answer = await fetch(path + "?" + new URLSearchParams(query));
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function detailsOf(actor) {
  const failures = h("div", {}), letters = h("div", {}), events = h("div", {}), said = h("p", { role: "status" }), body = h("pre", { class: "letter", hidden: true });
  const keeps = Boolean(actor.letters);
  const box = h("div", {}, keeps ? [h("h3", {}, "Dead letters"), said, body, letters] : null,
    h("h3", {}, "Last failures"), failures, h("h3", {}, "Events that were recorded"), events);
  let over = false;
  const load = async () => {
    try {
      const [recent, kept] = await Promise.all([ask("/told", { actor: actor.name, page: "/recent" }),
        keeps ? ask("/told", { actor: actor.letters, page: "/letters" }) : []]);
      if (over) return;
      showFailures(failures, recent);
      if (keeps) showLetters(letters, actor, kept[0], { said, body, load });
      showEvents(events, recent);
    } catch (error) {
      if (!over) say(failures, String(error.message));
    }
  };
  load();
  const timer = setInterval(load, 3000);
  return { box, stop: () => { over = true; clearInterval(timer); } };
}

const newest = (entries) => entries.sort((one, other) => other.time - one.time);

function replace(box, nodes, nothing) {
  const seen = JSON.stringify(nodes.map((node) => node.textContent));
  if (box.dataset.seen === seen) return;
  box.dataset.seen = seen;
  box.replaceChildren(...(nodes.length ? nodes : [h("p", { class: "faint" }, nothing)]));
}

function showFailures(box, instances) {
  const found = newest(instances.flatMap((one) => (one.failures || []).map((entry) => ({ ...entry, instance: one.instance }))));
  replace(box, found.slice(0, 10).map((entry) => h("div", { class: "entry" },
    h("span", { class: "bad" }, entry.failure.kind), ": ", entry.failure.message, " ",
    h("span", { class: "faint" }, `${clock(entry.time)}, ${entry.instance}, attempt ${entry.attempts}, by way of ${entry.trail.join(" → ") || "nobody"}: `),
    traceLink(entry.trace))), "None of late.");
}

function showEvents(box, instances) {
  const found = newest(instances.flatMap((one) => (one.sampled || []).map((entry) => ({ ...entry, instance: one.instance }))));
  replace(box, found.slice(0, 10).map((entry) => h("div", {}, traceLink(entry.trace),
    h("span", { class: "faint" }, ` ${clock(entry.time)}, ${entry.instance}, ${entry.bytes} bytes`))), "None of late.");
}

function showLetters(box, actor, keeper, ways) {
  const found = keeper ? keeper.letters.filter((letter) => letter.actor === actor.name) : [];
  const count = keeper ? keeper.counts[actor.name] || 0 : 0;
  const act = (action, ids) => h("button", { class: "act", onclick: () => actOn(actor, keeper, action, ids, ways) }, action);
  const head = count ? [h("div", { class: "row" }, h("span", { class: "bad" }, `${grouped(count)} in the box`), h("span", {}, "all of them:"),
    act("retry", "all"), act("drop", "all"))] : [];
  replace(box, [...head, ...found.slice(0, 20).map((letter) => h("div", { class: "entry" },
    h("span", { class: "bad" }, letter.reason), ": ", letter.message, " ",
    h("span", { class: "faint" }, `${clock(letter.time)}, attempt ${letter.attempts}, ${letter.bytes} bytes, from ${letter.trail.join(" → ") || "nobody"}: `),
    traceLink(letter.trace), h("div", { class: "row" }, ["show", "retry", "drop"].map((action) => act(action, letter.id)))))],
    keeper ? "None." : "Nobody who keeps them answers.");
}

async function actOn(actor, keeper, action, ids, { said, body, load }) {
  const query = { on: actor.letters, address: keeper.address, page: "/dlq", action, actor: actor.name, ids };
  say(said, action + " …");
  try {
    const told = await act(query);
    if (told === null) return say(said, "");
    say(said, action === "show" ? "" : action === "retry" ? `sent ${told.sent}` : `dropped ${told.dropped}`);
    body.hidden = action !== "show";
    if (action === "show") say(body, JSON.stringify(told.letters.length === 1 ? told.letters[0] : told.letters, null, 2));
  } catch (error) {
    say(said, String(error.message));
  }
  load();
}

const readyOf = (name) => state && state.actors[name] ? state.actors[name].instances.find((one) => one.state === "ready") : null;

function tapOf(line) {
  const shown = h("pre", { hidden: true });
  const look = async () => {
    const instance = readyOf(line.source);
    shown.hidden = false;
    if (!instance) return say(shown, line.source + " has no instance that is ready.");
    say(shown, "looks for 10 seconds at most …");
    try {
      const told = await act({ on: line.source, address: instance.address, page: "/tap", outbox: line.outbox, events: 5, seconds: 10, bodies: 1 });
      if (told === null) { shown.hidden = true; return; }
      say(shown, told.trim().split("\n").map((text) => JSON.stringify(JSON.parse(text), null, 2)).join("\n"));
    } catch (error) {
      say(shown, String(error.message));
    }
  };
  return h("div", {}, h("h3", {}, "Events that pass"), h("div", { class: "row" }, h("button", { class: "act", onclick: look }, "show the next 5"),
    h("code", {}, `kit tap ${line.source}.${line.outbox} -n 5 -d ${plan.deployment || plan.topology}`)), shown);
}

function sendTo(actor) {
  const inboxes = [...new Set(plan.lines.filter((line) => line.destination === actor.name && line.inbox).map((line) => line.inbox))];
  if (!inboxes.length) return null;
  const choice = (label, values) => {
    const select = h("select", { "aria-label": label }, values.map((value) => h("option", {}, value)));
    return select;
  };
  const inbox = choice("Inbox", inboxes), format = choice("Format", ["json", "xml", "text", "bytes"]);
  const body = h("textarea", { rows: 3, "aria-label": "Body", spellcheck: "false" }), said = h("pre", { hidden: true });
  const send = async () => {
    const instance = readyOf(actor.name);
    said.hidden = false;
    if (!instance) return say(said, "There is no instance that is ready.");
    try {
      const told = await act({ on: actor.name, address: instance.address, page: "/put", inbox: inbox.value, format: format.value, seconds: 30 }, body.value);
      if (told === null) { said.hidden = true; return; }
      say(said, JSON.stringify(told, null, 2));
    } catch (error) {
      say(said, String(error.message));
    }
  };
  return h("details", {}, h("summary", {}, "Send an event"), body, h("div", { class: "row" }, inbox, format,
    h("button", { class: "act", onclick: send }, "send")), said);
}

async function showLog(box, name, instance) {
  const lines = box.querySelector(".log");
  try {
    const text = await act({ on: name, address: instance.address, page: "/log" });
    if (text === null) return;
    say(lines, text || "It has written nothing.");
  } catch (error) {
    say(lines, String(error.message));
  }
  lines.hidden = false;
  lines.scrollTop = lines.scrollHeight;
}

// ---- acting: with the token of the instance, which this page keeps until its tab is closed

async function act(query, body) {
  for (let refused = false; ; refused = true) {
    const token = refused || !sessionStorage.token ? await askToken(query, refused) : sessionStorage.token;
    if (!token) return null;
    const answer = await fetch("/act?" + new URLSearchParams(query), { method: "POST", body, headers: { Authorization: "Bearer " + token } });
    if (answer.status === 401) continue;
    sessionStorage.token = token;
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.headers.get("Content-Type") === "application/json" ? answer.json() : answer.text();
  }
}

function askToken(query, refused) {
  const dialog = $("token"), input = $("token-input"), instance = nameAt(query.on, query.address);
  say($("token-why"), (refused ? "That is not its token. " : "") + `Whoever acts needs the token of ${instance}: kit ui ${plan.deployment || plan.topology} --token ${instance}`);
  input.value = "";
  dialog.showModal();
  return new Promise((tell) => dialog.addEventListener("close", () => tell(dialog.returnValue ? input.value.trim() : ""), { once: true }));
}

function nameAt(actor, address) {
  const found = state && state.actors[actor] ? state.actors[actor].instances.find((one) => one.address === address) : null;
  return found ? found.name : actor;
}

// ---- the way of an event

function openEvent(trace) {
  const hops = h("tbody", {}), said = h("p", { role: "status" }, "asking everybody …");
  panel("Event " + trace, h("p", {}, h("code", {}, `kit trace ${trace} -d ${plan.deployment || plan.topology}`)), said,
    h("table", {}, h("caption", {}, "Its way"), h("thead", {}, h("tr", {}, ["when", "actor", "took", "what"].map((name) => h("th", { scope: "col" }, name)))), hops));
  let over = false;
  ask("/way", { trace }).then((way) => {
    if (over) return;
    const { hops: found } = way;
    say(said, found.length ? "" : "Nobody remembers it. " + (way.sampled_every ? "One trace of " + way.sampled_every : "No trace (set ACTORKIT_SAMPLE)") + " is recorded, what failed, and what kit send has put in.");
    hops.replaceChildren(...found.map((hop) => h("tr", {}, h("td", {}, clock(hop.time)),
      h("td", {}, h("button", { class: "link", onclick: () => go("actor", hop.actor) }, hop.actor), h("div", { class: "faint" }, hop.instance)),
      h("td", { class: "number" }, hop.seconds === null ? "" : (hop.seconds * 1000).toFixed(1) + " ms"),
      h("td", { class: hop.failure ? "bad" : null }, hop.failure || `${hop.bytes} bytes`, hop.attempts > 1 ? `, attempt ${hop.attempts}` : ""))));
    pass(found);
  }, (error) => say(said, String(error.message)));
  leave = () => { over = true; pass([]); };
  return () => {};
}

function pass(hops) {
  const actors = new Set(hops.flatMap((hop) => [hop.actor, ...hop.trail]));
  const steps = new Set(hops.map((hop) => hop.trail[hop.trail.length - 1] + " " + hop.actor));
  for (const [name, parts] of shown.actors) parts.node.classList.toggle("passed", actors.has(name));
  for (const { line, node } of shown.lines) node.classList.toggle("passed", steps.has(line.source + " " + line.destination));
}

let leave = null;

const LEVELS = { actor: openActor, line: openLine, event: openEvent };

function go(level, name) {
  const wanted = level ? "#/" + level + "/" + encodeURIComponent(name) : "#";
  if (location.hash === wanted || (wanted === "#" && !location.hash)) route();
  else location.hash = wanted;
}

function route() {
  if (!plan) return;
  const [, level, name] = location.hash.split("/");
  for (const parts of shown.actors.values()) parts.node.classList.toggle("open", level === "actor" && parts.actor.name === decodeURIComponent(name));
  const before = open;
  if (leave) leave();
  leave = null;
  open = LEVELS[level] ? LEVELS[level](decodeURIComponent(name || "")) : null;
  if (!open) {
    $("panel").hidden = true;
    if (before) focusBack();
    return;
  }
  if (state) open();
  $("panel").focus({ preventScroll: true });
  if (matchMedia("(max-width: 760px)").matches) $("panel").scrollIntoView();
}

let last = null;

function focusBack() {
  if (last && last.isConnected) last.focus();
}

// ---- keys

function rove(node) {
  last = node;
  for (const parts of shown.actors.values()) set(parts.node, "tabindex", parts.node === node ? 0 : -1);
}

const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function move(from, [dx, dy]) {
  const [x, y] = from.actor.at;
  let best = null, least = Infinity;
  for (const parts of shown.actors.values()) {
    const along = (parts.actor.at[0] - x) * dx + (parts.actor.at[1] - y) * dy;
    const aside = Math.abs((parts.actor.at[0] - x) * dy) + Math.abs((parts.actor.at[1] - y) * dx);
    if (along > 5 && along + 2 * aside < least) [best, least] = [parts, along + 2 * aside];
  }
  if (best) best.node.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName) || document.querySelector("dialog[open]")) return;
  const parts = [...shown.actors.values()].find((one) => one.node === document.activeElement);
  const keys = { g: () => show("graph"), t: () => show("table"), d: turn, "?": () => $("help").showModal(), "+": () => zoom(1.25),
    "-": () => zoom(0.8), "0": fit, Escape: () => go() };
  if (parts && DIRECTIONS[event.key]) move(parts, DIRECTIONS[event.key]);
  else if (parts && (event.key === "Enter" || event.key === " ")) go("actor", parts.actor.name);
  else if (keys[event.key]) keys[event.key]();
  else return;
  event.preventDefault();
}

function show(what) {
  const table = what === "table" || Boolean(plan && plan.no_picture);
  $("tables").hidden = !table;
  $("picture").hidden = table && !(plan && plan.no_picture);
  $("sizes").hidden = table;
  $("as-graph").setAttribute("aria-pressed", !table);
  $("as-table").setAttribute("aria-pressed", table);
}

function turn() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  root.style.colorScheme = root.dataset.theme;
}

// ---- what comes

function paint() {
  for (const [name, parts] of shown.actors) paintActor(parts, state.actors[name]);
  state.lines.forEach((numbers, n) => { if (shown.lines[n]) paintLine(shown.lines[n], numbers, n); });
  if (!$("tables").hidden) paintTables();
  if (open) open();
  const all = Object.values(state.actors);
  const ready = all.reduce((sum, one) => sum + one.ready, 0), count = all.reduce((sum, one) => sum + one.instances.length, 0);
  const letters = all.reduce((sum, one) => sum + one.letters, 0);
  say($("sum"), `${ready} of ${count} instances ready` + (letters ? `, ${grouped(letters)} dead letters` : ""));
}

function link(text, lost) {
  say($("link"), text);
  $("link").classList.toggle("lost", lost);
}

function connect() {
  const source = new EventSource("/events");
  source.addEventListener("plan", (event) => {
    plan = JSON.parse(event.data);
    state = null;
    document.title = plan.topology + " – actorkit";
    say($("topology"), plan.topology);
    draw();
    tabulate();
    route();
  });
  source.addEventListener("state", (event) => {
    state = JSON.parse(event.data);
    link("live", false);
    requestAnimationFrame(() => { if (state) paint(); });
  });
  source.onerror = () => {
    link("the console does not answer; what is shown is old", true);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
$("as-graph").onclick = () => show("graph");
$("as-table").onclick = () => { show("table"); if (state) paintTables(); };
$("smaller").onclick = () => zoom(0.8);
$("larger").onclick = () => zoom(1.25);
$("fit").onclick = () => fit();
$("theme").onclick = turn;
$("help-button").onclick = () => $("help").showModal();
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("trace").value.trim()) go("event", $("trace").value.trim());
});
addEventListener("hashchange", route);
addEventListener("keydown", pressed);
connect();
