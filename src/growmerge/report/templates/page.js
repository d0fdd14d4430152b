"use strict";
// The grid, the tables and what lies behind a number. All data are in the page, as compressed JSON.

const $ = (selector, within = document) => within.querySelector(selector);
const MANY = 100; // rows that a table shows at once
let DATA;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function unpacked() {
  const bytes = Uint8Array.from(atob($("#data").textContent), character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// --- numbers and tables --------------------------------------------------------------------------------------------

function readCsv(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  const whole = rows.filter(row => row.length > 1 || row[0] !== "");
  return { columns: whole[0] ?? [], rows: whole.slice(1) };
}

const isNumber = text => text !== "" && Number.isFinite(Number(text));
// Four digits at least; what is larger than any count of steps or tokens as a power of ten.
const short = number => Math.abs(number) >= 1e10 ? number.toExponential(2)
  : Math.abs(number) >= 1e4 ? Math.round(number).toLocaleString("en") : String(Number(number.toPrecision(4)));

// Numbers by size, all else by name; what is empty comes last in either direction.
function compare(first, second, direction) {
  const [a, b] = [first ?? "", second ?? ""];
  if (a === "" || b === "") return (a === "") - (b === "");
  const order = isNumber(a) && isNumber(b) ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return direction * order;
}

// Columns: {label, value(row), cell(row), words}. The table sorts by a click on a head, and shows MANY rows at first.
function sortedTable(place, caption, columns, rows, find = null) {
  let [by, direction, all, text] = [null, 1, false, ""];
  const heads = columns.map((column, index) => element("th", { scope: "col", class: column.words ? "words" : null },
    element("button", { type: "button", onclick: () => {
      direction = by === index ? -direction : 1;
      by = index;
      show();
    } }, column.label)));
  const body = element("tbody");
  const below = element("div", { class: "below", role: "status" });
  const search = find && element("input", { type: "search", "aria-label": `Find in ${caption}`, placeholder: "find" });
  search?.addEventListener("input", () => { text = search.value.toLowerCase(); show(); });

  function show() {
    let chosen = text ? rows.filter(row => find(row).toLowerCase().includes(text)) : rows;
    if (by !== null) chosen = chosen.toSorted((a, b) => compare(columns[by].value(a), columns[by].value(b), direction));
    heads.forEach((head, index) => index === by
      ? head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
    const shown = all ? chosen : chosen.slice(0, MANY);
    body.replaceChildren(...shown.map(row => element("tr", {}, ...columns.map((column, index) => index === 0
      ? element("th", { scope: "row" }, column.cell(row)) : element("td", { class: column.words ?? null }, column.cell(row))))));
    below.replaceChildren(`${shown.length} of ${chosen.length} rows`);
    if (shown.length < chosen.length) below.append(element("button", { type: "button", onclick: () => { all = true; show(); } }, "show all"));
  }
  show();
  const table = element("table", {}, element("caption", { class: "hidden" }, caption),
    element("thead", {}, element("tr", {}, ...heads)), body);
  place.replaceChildren(...(search ? [search] : []), element("div", { class: "scroll", tabindex: 0 }, table), below);
  return { update: changed => { rows = changed; show(); } };
}

const toModel = (id, label = id, measure = null) => element("button",
  { type: "button", onclick: () => { location.hash = `#/model/${id}${measure ? `?${measure}` : ""}`; } }, label);

// The models that a row of a figure is about: the one that it names, else those of its setup, method and languages.
function modelsOf(row, columns) {
  const cell = Object.fromEntries(columns.map((column, index) => [column, row[index]]));
  const named = row.filter(text => DATA.models[text]);
  if (named.length || !cell.setup) return named;
  const codes = [cell.first, cell.second].filter(code => code && DATA.languages[code]);
  return Object.keys(DATA.models).filter(id => {
    const model = DATA.models[id];
    return model.manifests.length && model.setup === cell.setup && (!cell.method || model.method === cell.method)
      && (!cell.target || model.target === cell.target) && (!codes.length || codes.includes(model.target))
      && (!(cell.members > 1) || model.languages.length === Number(cell.members));
  });
}

function csvTable(place, file) {
  const { columns, rows } = readCsv(DATA.files[file]);
  const named = rows.some(row => row.some(text => DATA.models[text]));
  const shown = columns.map((label, index) => {
    const numbers = rows.every(row => row[index] === "" || isNumber(row[index]));
    const long = rows.some(row => row[index].length > 60);
    return {
      label, words: numbers ? null : long ? "long" : "words", value: row => row[index],
      cell: row => DATA.models[row[index]] ? toModel(row[index]) : numbers && row[index] !== "" ? short(Number(row[index])) : row[index],
    };
  });
  const groups = named ? [] : rows.map(row => modelsOf(row, columns));
  if (groups.some(group => group.length)) {
    const of = new Map(rows.map((row, index) => [row, groups[index]]));
    shown.push({ label: "models", words: "words", value: row => of.get(row).length, cell: row => of.get(row).length
      ? element("details", {}, element("summary", {}, String(of.get(row).length)),
        ...of.get(row).map(id => element("div", {}, element("a", { href: `#/manifest/${manifestOf(id)}` }, id)))) : "" });
  }
  sortedTable(place, file, shown, rows, row => row.join(" "));
}

const manifestOf = id => DATA.models[id].manifests.at(-1) ?? "";

// --- the grid ------------------------------------------------------------------------------------------------------

const score = (id, measure, language) => DATA.models[id].scores[measure.name]?.[language] ?? [null, null, null, null, null];
const printed = (number, measure) => number === null ? "–" : number.toFixed(measure.digits);

function scoreCell(id, measure, language) {
  const [value, low, high, count] = score(id, measure, language);
  if (value === null) return "–";
  const interval = low !== null ? `${printed(low, measure)} to ${printed(high, measure)}`
    : language === DATA.own && DATA.models[id].languages.length !== 1 ? `mean of ${count}` : "n too small";
  const button = toModel(id, printed(value, measure), measure.name);
  button.setAttribute("aria-label", `${measure.label} of ${id}: ${printed(value, measure)}`);
  return element("span", {}, button, element("span", { class: "interval" }, interval));
}

function grid() {
  const form = $(".filters");
  const ids = Object.keys(DATA.models).filter(id => DATA.models[id].manifests.length || Object.keys(DATA.models[id].scores).length);
  form.language.append(element("option", { value: DATA.own }, "own languages (mean)"),
    ...Object.entries(DATA.languages).map(([code, name]) => element("option", { value: code }, `${name} (${code})`)));
  for (const key of ["kind", "setup", "method"]) {
    const values = [...new Set(ids.map(id => DATA.models[id][key]))].filter(Boolean);
    form[key].append(...values.map(value => element("option", { value }, value)));
  }
  const language = () => form.language.value;
  const columns = [
    { label: "model", value: id => id, cell: id => toModel(id) },
    ...DATA.measures.map(measure => ({
      label: `${measure.label}${measure.lower ? ", lower is better" : ""}`,
      value: id => score(id, measure, language())[0], cell: id => scoreCell(id, measure, language()),
    })),
    ...["kind", "setup", "target", "method"].map(key =>
      ({ label: key, words: "words", value: id => DATA.models[id][key], cell: id => DATA.models[id][key] })),
  ];
  const table = sortedTable($("#models"), "the grid", columns, ids);
  const filter = () => table.update(ids.filter(id => id.toLowerCase().includes(form.text.value.toLowerCase())
    && ["kind", "setup", "method"].every(key => !form[key].value || DATA.models[id][key] === form[key].value)));
  form.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
}

// --- what lies behind a model --------------------------------------------------------------------------------------

function intervalDrawing(measure, [value, low, high, , chance], limits) {
  const x = number => 4 + 152 * (number - limits[0]) / (limits[1] - limits[0] || 1);
  const svg = drawing("svg", { width: 160, height: 14, role: "img", "aria-label": `${printed(value, measure)}` });
  if (chance !== null) svg.append(drawing("line", { class: "chance", x1: x(chance), x2: x(chance), y1: 0, y2: 14 }));
  if (low !== null) svg.append(drawing("line", { class: "bar", x1: x(low), x2: x(high), y1: 7, y2: 7 }));
  svg.append(drawing("circle", { class: "point", cx: x(value), cy: 7, r: 3.5 }));
  return svg;
}

function scoresOf(id) {
  const rows = DATA.measures.flatMap(measure => {
    const cells = Object.entries(DATA.models[id].scores[measure.name] ?? {}).filter(([code]) => code !== DATA.own);
    const numbers = cells.flatMap(([, cell]) => [cell[0], cell[1], cell[2], cell[4]]).filter(number => number !== null);
    const limits = [Math.min(...numbers), Math.max(...numbers)];
    return cells.map(([code, cell]) => [measure, code, cell, limits]);
  });
  if (!rows.length) return element("p", {}, "It has no scores.");
  const body = rows.map(([measure, code, cell, limits]) => element("tr", { "data-measure": measure.name },
    element("th", { scope: "row" }, measure.label), element("td", { class: "words" }, DATA.languages[code] ?? code),
    element("td", {}, printed(cell[0], measure)),
    element("td", {}, cell[0] === null ? "no score" : cell[1] === null ? "n too small" : `${printed(cell[1], measure)} to ${printed(cell[2], measure)}`),
    element("td", {}, cell[0] === null ? "" : intervalDrawing(measure, cell, limits)),
    element("td", {}, String(cell[3] ?? "")), element("td", {}, printed(cell[4], measure))));
  const heads = ["measure", "language", "score", "95 % interval", "dashed: chance", "items", "chance"];
  return element("div", { class: "scroll", tabindex: 0 }, element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map(head => element("th", { scope: "col" }, head)))), element("tbody", {}, ...body)));
}

function outcome(metric, result) {
  if (result === null || result === undefined) return "no result";
  if (metric === "accuracy") return result === 1 ? "✓ right" : result === 0 ? "✗ wrong" : "= tie";
  if (metric === "chrf") return `${result[0] || "(nothing)"} (chrF++ ${result[1]})`;
  return `${result} nats`;
}

function itemsOf(id) {
  return Object.entries(DATA.outcomes[id] ?? {}).map(([cell, results]) => {
    const [benchmark, code] = cell.split("/");
    const { metric, measure } = DATA.benchmarks[benchmark];
    const rows = DATA.items[cell].map((item, index) => element("tr", {},
      element("td", { class: "words" }, item.subset),
      element("td", { class: "long" }, ...(item.texts.length ? item.texts.map((text, place) => element("div", {},
        item.texts.length > 1 ? `${place === 0 ? "right: " : "wrong: "}` : "", text)) : [item.context ?? ""]),
        ...(item.reference ? [element("div", {}, metric === "chrf" ? "reference: " : "English: ", item.reference)] : [])),
      element("td", { class: metric === "chrf" ? "long" : "words" }, outcome(metric, results[index]))));
    return element("details", { "data-measure": measure }, element("summary", {}, `${benchmark}, ${DATA.languages[code] ?? code}`),
      element("div", { class: "scroll", tabindex: 0 }, element("table", {}, element("thead", {}, element("tr", {},
        ...["subset", "texts", "result"].map(head => element("th", { scope: "col", class: "words" }, head)))), element("tbody", {}, ...rows))));
  });
}

function curveOf(points) {
  const [width, height, left, bottom] = [520, 190, 44, 30];
  const [most, losses] = [points.at(-1)[0], points.map(point => point[1])];
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const x = tokens => left + (width - left - 8) * tokens / most;
  const y = loss => 8 + (height - bottom - 8) * (high - loss) / (high - low || 1);
  const label = (at, text, anchor) => drawing("text", { x: at[0], y: at[1], "text-anchor": anchor }, text);
  return drawing("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Training loss from ${losses[0].toFixed(2)} to ${losses.at(-1).toFixed(2)} nats per token` },
  drawing("line", { class: "axis", x1: left, x2: left, y1: 8, y2: height - bottom }),
  drawing("line", { class: "axis", x1: left, x2: width - 8, y1: height - bottom, y2: height - bottom }),
  label([left - 4, y(high) + 4], high.toFixed(2), "end"), label([left - 4, y(low) + 4], low.toFixed(2), "end"),
  label([left, height - 16], "0", "middle"), label([width - 8, height - 16], `${short(most)} tokens`, "end"),
  label([left, height - 2], "loss in nats per token, over tokens", "start"),
  drawing("polyline", { class: "line", points: points.map(([tokens, loss]) => `${x(tokens)},${y(loss)}`).join(" ") }));
}

function manifestDetails(path, open = false) {
  const details = element("details", { class: "manifest", open: open ? "" : null }, element("summary", {}, `manifest: ${path}`));
  const fill = () => details.children.length > 1 || details.append(
    element("p", { class: "links" }, element("a", { href: path }, "the file beside this page")),
    element("pre", {}, JSON.stringify(DATA.manifests[path], null, 1)));
  details.addEventListener("toggle", fill);
  if (open) fill();
  return details;
}

function modelView(id, measure) {
  const model = DATA.models[id];
  const facts = [
    ["kind", model.kind], ["setup", model.setup], ["method", model.method],
    ["languages", model.languages.map(code => DATA.languages[code] ?? code).join(", ")],
    ["made from", model.parents.length ? element("span", {}, ...model.parents.flatMap(parent =>
      [DATA.models[parent] ? toModel(parent) : parent, " "])) : "random weights, or taken from elsewhere"],
    ["planned", model.planned && `${short(model.planned.parameters)} parameters${model.planned.flops ? `, ${short(model.planned.tokens)} tokens, ${short(model.planned.flops)} FLOPs` : ""}`],
    ["spent", Object.entries(model.facts).filter(([, value]) => value !== null).map(([key, value]) => `${key} ${short(value)}`).join(", ")],
    ["seconds", Object.entries(model.seconds).map(([folder, seconds]) => `${short(seconds)} (${folder})`).join(", ")],
  ].filter(([, value]) => value).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  const items = itemsOf(id);
  items.forEach(details => { if (measure && details.dataset.measure === measure) details.open = true; });
  return [
    element("h2", { id: "detail-name" }, id), element("dl", {}, ...facts),
    ...(model.manifests.length ? model.manifests.map(path => manifestDetails(path)) : [element("p", {}, "Nothing of it exists yet.")]),
    element("h3", {}, "Scores"), scoresOf(id),
    ...(model.curve.length ? [element("h3", {}, "Training curve"), curveOf(model.curve)] : []),
    ...(items.length ? [element("h3", {}, "Some items, and what it made of them"), ...items] : []),
  ];
}

// #/model/{id}?{measure} and #/manifest/{path} are addresses within the page, so that "back" works, and links do.
function route() {
  const [, kind, address] = location.hash.match(/^#\/(model|manifest)\/(.+)$/) ?? [];
  const dialog = $("#detail");
  if (!kind) return dialog.close();
  const [name, measure] = decodeURIComponent(address).split("?");
  const known = kind === "model" ? DATA.models[name] : DATA.manifests[name];
  $("div", dialog).replaceChildren(...(!known ? [element("h2", { id: "detail-name" }, name), element("p", {}, "There is no such thing in this study.")]
    : kind === "model" ? modelView(name, measure)
      : [element("h2", { id: "detail-name" }, name), manifestDetails(name, true)]));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function download(name, text, type) {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function clicked(event) {
  const { download: file, image, text, name } = event.target.dataset ?? {};
  if (file) download(file.split("/").at(-1), DATA.files[file], "text/csv");
  if (image) download(`${image}.svg`, new TextDecoder().decode(Uint8Array.from(
    atob($(`#figure-${CSS.escape(image)} img`).src.split(",")[1]), character => character.charCodeAt(0))), "image/svg+xml");
  if (text) download(name, $(`#${text}`).textContent, "text/plain");
}

async function start() {
  DATA = await unpacked();
  grid();
  for (const details of document.querySelectorAll("details[data-file]")) {
    details.addEventListener("toggle", () => details.open && !$(".table *", details) && csvTable($(".table", details), details.dataset.file));
  }
  document.addEventListener("click", clicked);
  $("#detail").addEventListener("close", () => /^#\//.test(location.hash) && history.replaceState(null, "", "#"));
  addEventListener("hashchange", route);
  route();
  document.documentElement.dataset.ready = "yes";
}

start().catch(error => {
  $("#failure").textContent = `This page could not read its data (${error}). A current browser can.`;
  $("#failure").hidden = false;
});
