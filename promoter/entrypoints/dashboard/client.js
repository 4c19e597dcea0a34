// Asking the API: what has not changed is not sent again, and each way of not answering is told apart.

const MAX_PAGES = 20;
const KEPT = 100;
const TIMEOUT = 20000;
const HERE = new URL(location.pathname.replace(/\/+$/, ""), location.origin);
const AUTH = document.documentElement.dataset.auth;
const KEY = "promoter-key";

/** Why the API did not answer as it should. `kind` is `unreachable`, `unknown`, `denied` or `failed`. */
class Trouble extends Error {
  constructor(kind, message, { problems = [], retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { kind, problems, retryAfter });
  }
}

/** The API, as whoever looks at this page. A key lives as long as the tab, and goes into a header. */
class Client {
  known = new Map();
  changes = 0;

  get key() { return sessionStorage.getItem(KEY); }

  set key(text) {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
    this.known.clear();
  }

  /** One document: the very same object while it has not changed. */
  async get(path) {
    const known = this.known.get(path);
    const answer = await this.fetched(path, known);
    if (answer.status === 304 && known) return known.value;
    if (!answer.ok) throw await told(answer);
    const value = await answer.json().catch(() => {
      throw new Trouble("failed", "what has answered is not Promoter's API");
    });
    this.known.set(path, { etag: answer.headers.get("ETag"), value });
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    this.changes += 1;
    return value;
  }

  async fetched(path, known) {
    const headers = { Accept: "application/json" };
    if (known?.etag) headers["If-None-Match"] = known.etag;
    if (this.key) headers["x-functions-key"] = this.key;
    const options = { cache: "no-store", credentials: "same-origin", redirect: "manual" };
    try {
      const signal = AbortSignal.timeout(TIMEOUT);
      return await fetch(new URL(path, HERE), { ...options, headers, signal });
    } catch (error) {
      throw new Trouble("unreachable", error.name === "TimeoutError" ? "no answer in time" : "no connection");
    }
  }

  /** A list, page by page. */
  async items(path) {
    const found = [];
    let cursor = null;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const answer = await this.get(`${path}?limit=100${more}`);
      found.push(...answer.items);
      cursor = answer.cursor;
      if (!cursor) break;
    }
    return { items: found, more: Boolean(cursor) };
  }
}

/** What an answer says that is none. */
async function told(answer) {
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  if (answer.type === "opaqueredirect" || answer.status === 401) return new Trouble("unknown", "you are not signed in");
  const problem = await answer.json().catch(() => ({}));
  const message = problem.detail ?? `the answer was ${answer.status}`;
  if (answer.status === 403) return new Trouble("denied", message);
  return new Trouble("failed", message, { problems: problem.problems, retryAfter });
}
