"use strict";
// Making elements. What comes from the API becomes text, never HTML, and is kept from turning what stands beside it.

/** An element: attributes are objects, all else is content; what is null or false is left out. */
function h(name, ...parts) {
  const element = document.createElement(name);
  for (const part of parts.flat(Infinity)) {
    if (part === null || part === undefined || part === false) continue;
    if (part instanceof Node || typeof part !== "object") element.append(part);
    else for (const [key, value] of Object.entries(part)) if (value !== null) element.setAttribute(key, value);
  }
  return element;
}

const byId = (id) => document.getElementById(id);

/** A text of somebody's: a name, a tag, a reason. */
const said = (text) => h("bdi", String(text));

/** A name that is broken, if it must be, where its parts meet. */
const named = (text) => h("bdi", String(text).split(/(?<=[/:])/).flatMap((part, index) => [index ? h("wbr") : null, part]));

const code = (text) => h("code", said(text));

const soft = (...parts) => h("span", { class: "soft" }, parts);

/** A word that stands out; its colour says nothing that the word does not. */
const badge = (kind, ...parts) => h("span", { class: `badge ${kind}` }, parts);

/** Enough of a digest to tell two apart; the whole of it on hover. */
function short(digest) {
  const [algorithm, digits = ""] = String(digest).split(":");
  return h("code", { title: digest, class: "digest" }, said(`${algorithm}:${digits.slice(0, 12)}`));
}

/** A link to somewhere else, where it is one that can be followed without danger. */
function outside(url) {
  const safe = URL.canParse(url) && ["https:", "http:"].includes(new URL(url).protocol);
  return safe ? h("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, said(url)) : said(url);
}

/** Put something in the place of what an element has; what was open and had the focus is so again. */
function fill(element, ...parts) {
  const open = new Set([...element.querySelectorAll("details[open]")].map((each) => each.dataset.key));
  const focus = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...parts.flat(Infinity).filter(Boolean));
  for (const each of element.querySelectorAll("details")) each.open = open.has(each.dataset.key);
  if (focus !== undefined) {
    [...element.querySelectorAll("[data-key]")].find((each) => each.dataset.key === focus)?.focus();
  }
}

/** A table: headings, and rows of cells whose first is the row's heading. Narrow screens show it as blocks. */
function table(label, headings, rows) {
  const cell = (content, index) =>
    index === 0
      ? h("th", { role: "rowheader", scope: "row" }, content)
      : h("td", { role: "cell", "data-heading": headings[index] }, h("div", content));
  return h("table", { role: "table", "aria-label": label },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      headings.map((each) => h("th", { role: "columnheader", scope: "col" }, said(each))))),
    h("tbody", { role: "rowgroup" }, rows.map((cells) => h("tr", { role: "row" }, cells.map(cell)))));
}
