// Asking again and again, less often where nothing moves or nobody answers, and showing what has changed.

const SOON = 3000;
const USUAL = 15000;
const LONGEST = 60000;
const DETAILS_EVERY = 20;
const LATELY = 50;
const SIGN_IN = "/.auth/login/aad?post_login_redirect_uri=";

const client = new Client();
const page = { data: null, wanted: "", failures: 0, round: 0, shown: -1, timer: null, checked: null, asking: null };

async function ask() {
  const [lines, candidates, { items: records }] = await Promise.all([
    client.items("environments"), client.items("candidates"), client.get(`promotions?limit=${LATELY}`)]);
  if (page.round % DETAILS_EVERY === 0) page.details = await client.get("health/details");
  page.round += 1;
  return {
    lines: lines.items, candidates: candidates.items, records, details: page.details, more: lines.more || candidates.more,
  };
}

function poll() {
  page.asking ??= askedAndShown().finally(() => { page.asking = null; });
  return page.asking;
}

async function askedAndShown() {
  clearTimeout(page.timer);
  try {
    page.data = await ask();
    page.checked = new Date();
    recovered();
    show();
    plan(page.data.records.some(isActive) ? SOON : USUAL);
  } catch (found) {
    const error = found instanceof Trouble ? found : new Trouble("failed", `this page has a fault: ${found.message}`);
    page.failures += 1;
    const pause = Math.min(LONGEST, Math.max(SOON * 2 ** page.failures, error.retryAfter * 1000));
    showTrouble(error, pause);
    if (!["unknown", "denied"].includes(error.kind)) plan(pause);
  }
}

/** Ask again later, at once when somebody looks again; many pages do not ask at the same moment. */
function plan(pause) {
  page.due = Date.now() + pause;
  if (document.hidden) return;
  page.timer = setTimeout(poll, pause * (0.9 + 0.2 * Math.random()));
}

function recovered() {
  if (page.failures) say("Promoter answers again.");
  page.failures = 0;
  delete document.body.dataset.stale;
  byId("trouble").replaceChildren();
  byId("again").hidden = true;
  byId("sign-in").hidden = true;
  byId("forget").hidden = !client.key;
}

/** Say something to who cannot see what changes. */
function say(text) {
  if (byId("said").textContent !== text) byId("said").textContent = text;
}

const TOLD = {
  unreachable: "Promoter does not answer",
  unknown: AUTH === "entra" ? "Sign in to see what runs where" : "Give a key to see what runs where",
  denied: "You may not look at this",
  failed: "Promoter cannot answer",
};

function showTrouble(error, pause) {
  document.body.dataset.stale = "";
  const isCalm = error.kind === "unknown"; // nobody begins signed in
  const calmly = page.checked ? "No longer signed in" : "Nothing is shown yet";
  setState(isCalm ? "plain" : "bad", isCalm ? calmly : TOLD[error.kind]);
  const words = [
    h("h2", TOLD[error.kind]), isCalm ? null : h("p", sentence(capital(error.message)), "."),
    error.problems.length ? h("ul", error.problems.map((each) => h("li", said(each)))) : null,
    page.checked ? h("p", "What is shown below is from ", moment(page.checked.toISOString()), ".") : null,
    error.kind === "unknown" && AUTH === "entra" ? h("p", signInLink()) : null,
  ].filter(Boolean);
  const trouble = byId("trouble"), before = trouble.textContent;
  const holder = h("div", { class: isCalm ? "calm" : "bad" }, words);
  if (holder.textContent !== before) trouble.replaceChildren(holder);
  const asksKey = error.kind === "unknown" && AUTH !== "entra";
  if (asksKey && client.key) { client.key = null; trouble.append(h("p", "The key that was given opens nothing here.")); }
  byId("sign-in").hidden = !asksKey;
  const stops = ["unknown", "denied"].includes(error.kind);
  fill(byId("again"), stops ? "" : `Next try in ${Math.round(pause / 1000)} s. `, h("button", { type: "button", "data-key": "now" }, "Try now"));
  byId("again").hidden = asksKey;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function signInLink() {
  const back = encodeURIComponent(location.pathname + location.hash);
  return h("a", { href: SIGN_IN + back, class: "button", "data-key": "sign in" }, "Sign in with Microsoft");
}

function setState(kind, ...parts) {
  fill(byId("state"), h("span", { class: `dot ${kind}`, "aria-hidden": "true" }), parts);
}

function show() {
  setState("good", "Live ", soft("asked ", page.checked.toLocaleTimeString("en-GB")));
  if (page.shown === client.changes) return;
  page.shown = client.changes;
  render();
}

/** What there is of the repositories that somebody wants to see. */
function wantedOf(data) {
  const isWanted = (each) => each.repository.includes(page.wanted);
  const { lines, candidates, records } = data;
  return { ...data, lines: lines.filter(isWanted), candidates: candidates.filter(isWanted), records: records.filter(isWanted) };
}

function render() {
  const data = wantedOf(page.data);
  const { lines, candidates, records } = page.data;
  const isEmpty = !lines.length && !candidates.length && !records.length;
  byId("all").hidden = isEmpty;
  byId("filter").hidden = isEmpty;
  byId("empty").hidden = !isEmpty;
  const sections = { attention, active, waiting, lines: matrix, lately };
  for (const [id, section] of Object.entries(sections)) fill(document.querySelector(`#${id} > div`), section(data));
  if (isEmpty) fill(document.querySelector("#empty > div"), firstSteps(data));
  summarize(data);
  const details = data.details;
  fill(byId("about"), details ? [`Promoter ${details.version}, policy `, code(details.policyHash.slice(0, 12))] : "",
    data.more ? " There is more than this page shows: promoter status shows all." : "");
}

function summarize(data) {
  const numbers = [
    ["bad", failedOf(data.records).length, "failed", "attention"], ["held", data.lines.filter((each) => each.hold).length, "on hold", "attention"],
    ["going", inFlightOf(data.lines), "under way", "active"], ["plain", data.candidates.length, "waiting", "waiting"],
  ];
  fill(byId("summary"), numbers.map(([kind, number, words, id]) => h("li",
    h("a", { href: `#${id}`, class: number ? kind : "none", "data-key": words }, h("strong", number), " ", words))));
  const told = numbers.filter(([, number]) => number).map(([, number, words]) => `${number} ${words}`).slice(0, 2).join(", ");
  document.title = told ? `${told} - Promoter` : "Promoter";
  const failed = numbers[0][1];
  if (failed > (page.failed ?? failed)) say(`${counted(failed, "promotion has", "promotions have")} failed.`);
  page.failed = failed;
}

function start() {
  byId("docs").hidden = AUTH === "keys"; // a link cannot bring a key
  byId("wanted").addEventListener("input", (event) => {
    page.wanted = event.target.value.trim();
    if (page.data) render();
  });
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    client.key = byId("key").value.trim();
    byId("key").value = "";
    poll();
  });
  byId("forget").addEventListener("click", () => { client.key = null; location.reload(); });
  byId("again").addEventListener("click", (event) => { if (event.target.closest("button")) poll(); });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(page.timer);
    if (!document.hidden) plan(Math.max(0, (page.due ?? 0) - Date.now()));
  });
  setInterval(retellTimes, 20000);
  followAddress(client, () => page.data?.lines ?? []);
  poll().then(() => showRecord(client, () => page.data?.lines ?? []));
}

start();
