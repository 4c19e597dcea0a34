// What records, conditions and lines have in common wherever they are shown.

const MARKS = { met: ["✔", "Met"], pending: ["…", "Not yet"], refused: ["✘", "Refused"], overridden: ["!", "Overridden"] };
const PHASES = { pending: "going", importing: "going", succeeded: "good", failed: "bad", superseded: "plain" };

const stateOf = (condition) => (condition.overridden ? "overridden" : condition.state);
const isUnmet = (condition) => condition.state !== "met" && !condition.overridden;
const isActive = (record) => !record.completedAt;
const endOf = (record) => record.completedAt ?? record.createdAt;
const counted = (number, one, many) => `${number} ${number === 1 ? one : many}`;

/** A repository and its track, which is told only where it is not the usual one. */
function repositoryOf(document) {
  const track = document.track ?? "main";
  return [named(document.repository), track === "main" ? null : soft(" track ", said(track))];
}

const recordHref = (id) => `#record/${encodeURIComponent(id)}`;

/** A link to a record, wherever it is. */
const recordLink = (id, key, ...parts) => h("a", { href: recordHref(id), "data-key": `${key} ${id}` }, parts);

const image = (document) => named(`${document.repository}:${document.tag}`);

const phase = (record) => badge(PHASES[record.phase] ?? "plain", said(record.phase));

/** Conditions, how each stands in a sign and in words. */
function conditionList(conditions) {
  return h("ul", { class: "conditions" }, conditions.map((each) => {
    const state = stateOf(each);
    const [sign, word] = MARKS[state] ?? ["?", state];
    return h("li", { class: state },
      h("span", { class: "sign", "aria-hidden": "true" }, sign), h("span", { class: "unseen" }, `${word}: `),
      h("span", sentence(each.text), condition(each)));
  }));
}

/** When time changes a condition, and what it was judged on, beside what its sentence says. */
function condition(each) {
  const found = each.evidence && !Array.isArray(each.evidence) ? each.evidence : {};
  return [
    each.earliest && isUnmet(each) && !/T\d\d:\d\d/.test(each.text) ? h("span", { class: "soft" }, " from ", moment(each.earliest)) : null,
    found.evidence ? h("span", { class: "evidence" }, said(found.evidence)) : null,
    found.url ? h("span", { class: "evidence" }, outside(found.url)) : null,
  ];
}

/** When time alone changes something about what waits: when it qualifies, or else what is judged next. */
function nextMoment(decision) {
  if (decision.earliest) return h("p", { class: "next" }, "Qualifies ", moment(decision.earliest));
  const times = decision.conditions.flatMap((each) => [each.earliest, each.until]).filter(Boolean);
  const next = times.filter((each) => new Date(each) > new Date()).sort((a, b) => new Date(a) - new Date(b))[0];
  return next ? h("p", { class: "next" }, "Judged again ", moment(next)) : null;
}

/** A list of cards, the first few at once. */
function cards(items, key, card) {
  const FEW = 8;
  const rest = items.slice(FEW);
  return [
    h("ul", { class: "cards" }, items.slice(0, FEW).map(card)),
    rest.length
      ? h("details", { "data-key": `more ${key}` }, h("summary", `${rest.length} more`), h("ul", { class: "cards" }, rest.map(card)))
      : null,
  ];
}
