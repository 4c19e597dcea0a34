// Times: the reader's own, with UTC on hover and how long ago it was, which is told anew as time goes by.

const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const DAY = { day: "numeric", month: "short" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };
const away = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

/** How far away a moment is, in its largest unit. */
function relative(at, now) {
  const seconds = (at - now) / 1000;
  const [unit, size] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  if (unit === "second") return seconds > 0 ? "in a moment" : "just now";
  return away.format(Math.trunc(seconds / size), unit);
}

/** A moment in the reader's own time: today's without its day, this year's without its year. */
function local(at, now) {
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  const day = at.toDateString() === now.toDateString() ? {} : { ...DAY, ...year };
  return at.toLocaleString("en-GB", { ...day, ...CLOCK });
}

const utc = (at) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** A moment: `21:44 (3 min. ago)`. */
function moment(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return said(text);
  const now = new Date();
  const element = h("time", { datetime: text, title: utc(at) }, local(at, now), " ");
  element.append(soft(relative(at, now)));
  return element;
}

/** A moment, whole: for those who cannot hover. */
function wholeMoment(text) {
  const at = new Date(text);
  if (at.getTimezoneOffset() === 0) return h("time", { datetime: text }, utc(at));
  const words = at.toLocaleString("en-GB", { ...DAY, year: "numeric", ...CLOCK, second: "2-digit", timeZoneName: "short" });
  return h("time", { datetime: text }, `${words} = ${utc(at)}`);
}

/** A sentence of the API, its moments in the reader's own time. */
function sentence(text) {
  const parts = String(text).split(/(\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b)/);
  return h("bdi", parts.map((part, index) => (index % 2 ? moment(part) : part)));
}

/** Tell anew how long ago everything was. */
function retellTimes() {
  const now = new Date();
  for (const each of document.querySelectorAll("time > .soft")) {
    each.textContent = relative(new Date(each.parentElement.dateTime), now);
  }
}
