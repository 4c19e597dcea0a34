// The page's sections, each made of what the API has answered.

const NEWEST = 12;

/** Whether what failed has gone well since: the same tag, or another one by the same rule. */
function isMended(record, records) {
  return records.some((each) => each.phase === "succeeded" && each.environment === record.environment &&
    each.repository === record.repository && (each.tag === record.tag || each.rule === record.rule) &&
    new Date(endOf(each)) > new Date(endOf(record)));
}

const failedOf = (records) => records.filter((each) => each.phase === "failed" && !isMended(each, records));

/** Failures that nothing has mended, holds, drift, and events that came from nowhere known. */
function attention({ lines, records, details }) {
  const failed = failedOf(records).map((each) => h("li", { class: "card bad" },
    h("h3", recordLink(each.id, "failed", image(each)), " to ", said(each.environment)),
    h("p", badge("bad", "failed"), " ", moment(endOf(each)), soft(` ${each.kind}, by `, said(each.actor.name))),
    h("p", sentence(each.failure?.message ?? "it does not say why"))));
  const held = lines.filter((each) => each.hold).map((each) => h("li", { class: "card held" },
    h("h3", repositoryOf(each), " in ", said(each.environment)),
    h("p", badge("held", "on hold"), " ", moment(each.hold.at), soft(" by ", said(each.hold.actor.name))),
    h("p", sentence(each.hold.reason))));
  const drifted = lines.filter((each) => each.drift.length).map((each) => h("li", { class: "card held" },
    h("h3", repositoryOf(each), " in ", said(each.environment)),
    h("p", badge("held", "drift"), " ", moment(each.drift.at(-1).at)),
    h("p", "The registry was changed by somebody else: ", each.drift.map((drift, index) => [
      index ? "; " : "", said(drift.change), " ", drift.tag ? [said(drift.tag), " "] : null, short(drift.digest)]), ".")));
  const unknown = Object.entries(details?.unknownRegistries ?? {}).map(([name, number]) => h("li", { class: "card held" },
    h("h3", "Events of no environment"),
    h("p", `${counted(number, "event has", "events have")} come from a registry that the policy does not name: `, said(name))));
  const found = [...failed, ...held, ...drifted, ...unknown];
  return found.length ? cards(found, "attention", (each) => each) : quiet("Nothing failed, and nothing is on hold.");
}

const quiet = (text) => h("p", { class: "soft" }, text);

/** How many promotions are under way: lines know them all, a page of records has some. */
const inFlightOf = (lines) => lines.reduce((sum, each) => sum + each.inFlight, 0);

function active({ lines, records }) {
  const going = records.filter(isActive);
  const more = inFlightOf(lines) - going.length;
  if (!going.length) return quiet("Nothing is on its way.");
  return [
    ...cards(going, "active", (each) => h("li", { class: "card going" },
      h("h3", recordLink(each.id, "active", image(each)), " to ", said(each.environment)),
      h("p", phase(each), " ", moment(each.createdAt), soft(` ${each.kind}, by `, said(each.actor.name))))),
    more > 0 ? quiet(`${more} more: promoter history --active has all.`) : null,
  ];
}

function waiting({ candidates }) {
  if (!candidates.length) return quiet("Nothing waits.");
  return cards(candidates, "waiting", (each) => {
    const key = ["waiting", each.environment, each.repository, each.from, each.tag].join(" ");
    const unmet = each.decision.conditions.filter(isUnmet);
    const met = each.decision.conditions.filter((condition) => !isUnmet(condition));
    return h("li", { class: "card" },
      h("h3", image(each), " to ", said(each.environment)),
      h("p", short(each.digest), " ", soft("since "), moment(each.since), soft(" by rule ", said(each.rule))),
      conditionList(unmet), nextMoment(each.decision),
      each.requested ? h("p", "Asked for by ", said(each.requested.actor.name), ": it goes ahead by itself.") : null,
      met.length ? h("details", { "data-key": key }, h("summary", `${counted(met.length, "condition is", "conditions are")} met`), conditionList(met)) : null);
  });
}

/** Environments in the order of the policy, as far as lists tell it. */
const environmentsOf = (...lists) => [...new Set(lists.flat().map((each) => each.environment))];

/** Repositories down, environments across. */
function matrix({ lines, candidates, records }) {
  const names = environmentsOf(lines, candidates);
  const rows = new Map();
  for (const line of lines) {
    const key = `${line.repository} ${line.track}`;
    rows.set(key, { ...rows.get(key), [line.environment]: line });
  }
  const sorted = [...rows].sort(([a], [b]) => a.localeCompare(b)).map(([, each]) => each);
  if (!sorted.length) return quiet("Nothing runs anywhere yet, as far as Promoter knows.");
  const failed = failedOf(records);
  return table("What runs where", ["Repository", ...names], sorted.map((row) => [
    repositoryOf(Object.values(row)[0]),
    ...names.map((name) => row[name] ? lineCell(row[name], { lines, candidates, failed }) : soft("nothing"))]));
}

function lineCell(line, { lines, candidates, failed }) {
  const { current, hold, inFlight, drift, vetoes } = line;
  const mine = (each) => each.environment === line.environment && each.repository === line.repository;
  const isAlone = lines.filter(mine).length === 1; // what waits and what failed do not say on which track
  const waits = isAlone ? candidates.filter(mine).length : 0;
  const failures = isAlone ? failed.filter(mine).length : 0;
  const key = `${line.environment} ${line.repository} ${line.track}`;
  return [
    current
      ? h("div", recordLink(current.record, "line", h("strong", said(current.tag))), " ", short(current.digest))
      : h("div", soft("nothing yet")),
    current?.since ? h("div", { class: "since" }, moment(current.since), soft(" by ", said(current.actor?.name ?? "somebody"))) : null,
    h("div", { class: "badges" },
      hold ? badge("held", "on hold") : null, failures ? badge("bad", `${failures} failed`) : null,
      inFlight ? badge("going", `${inFlight} under way`) : null, waits ? badge("plain", counted(waits, "waits", "wait")) : null,
      drift.length ? badge("held", "drift") : null),
    vetoes.length
      ? h("details", { "data-key": `vetoes ${key}` }, h("summary", `${vetoes.length} vetoed`),
          h("ul", vetoes.map((each) => h("li", recordLink(each.record, `veto ${key}`, short(each.digest)), " ", moment(each.at)))))
      : null,
  ];
}

function lately({ records }) {
  const ended = records.filter((each) => !isActive(each));
  if (!ended.length) return quiet("Nothing has been promoted yet.");
  const shown = (items) => table("Promotions that ended lately", ["Image", "To", "What", "When", "By"], items.map((each) => [
    recordLink(each.id, "lately", image(each)), said(each.environment),
    [said(each.kind), " ", phase(each), each.failure ? h("div", { class: "why" }, sentence(each.failure.message)) : null],
    moment(endOf(each)), said(each.actor.name)]));
  const rest = ended.slice(NEWEST);
  return [
    shown(ended.slice(0, NEWEST)),
    rest.length ? h("details", { "data-key": "more lately" }, h("summary", `${rest.length} before these`), shown(rest)) : null,
  ];
}

/** What there is to do first. */
function firstSteps({ details }) {
  const rejected = details?.lastRejection;
  const line = (text) => h("pre", h("code", text));
  return [
    h("p", "Promoter is up. It knows of nothing that runs, nothing that waits and nothing that was promoted."),
    h("ol",
      h("li", "Push an image that a rule of the policy names, to the registry that the rule takes it from.",
        AUTH === "local" ? line(".venv/bin/python -m emulator push 127.0.0.1:5301/shop/web:v1") : null),
      h("li", "A few seconds later it stands here, with what it waits for. Report its tests:",
        line("promoter report shop/web:v1 unit-tests passed --in dev")),
      h("li", "Does an environment run something already? Name it, so that the first rollback has somewhere to go:",
        line("promoter adopt shop/web:v1 --in prod"))),
    h("p", "Pushed, and nothing here? This says why:"), line("promoter explain shop/web:v1 --to staging"),
    rejected ? h("p", "The last event that was of no use came ", moment(rejected), "; the app's log says which.") : null,
  ];
}
