// Requests to the server, what it answers when it refuses, and the wait before the next try.

/** The longest that an answer may take. A try that fails is repeated; one that hangs would not be. */
const PATIENCE_MS = 20_000;

/** An answer that refuses: `application/problem+json` (RFC 9457). `code` is what to act on. */
export class Refusal extends Error {
  constructor({ status, code, title, detail }, retryAfter = 0) {
    super(detail ?? title ?? code);
    Object.assign(this, { status, code, retryAfter });
  }
}

/** Whether the same request may do later: no answer came, the server has trouble, or we ask too often. */
export const passes = (error) => !(error instanceof Refusal) || error.status === 429 || error.status >= 500;

/** Whether the token is no longer good: only a new one helps. */
export const endsSession = (error) => error instanceof Refusal && error.status === 401;

/** Whose token it is: the `sub` of its claims. The server alone can say whether it is good. */
export function subject(token) {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(claims), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).sub;
  } catch {
    return undefined;
  }
}

export class Api {
  constructor(token) {
    this.token = token;
    this.user = subject(token);
  }

  /** An answer that is not a refusal. Throws a Refusal, or a TypeError when there was no answer. */
  async fetch(path, { method = "GET", body, headers, signal } = {}) {
    const response = await fetch(path, {
      method,
      signal,
      cache: "no-store", // What we know already we say ourselves, by cursor and by ETag.
      credentials: "omit",
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
    if (response.ok || response.status === 304) return response;
    const unknown = { status: response.status, code: "unknown", title: response.statusText };
    const problem = await response.json().catch(() => unknown);
    throw new Refusal({ ...unknown, ...problem }, Number(response.headers.get("Retry-After")) || 0);
  }

  /** The same within a time, and read: the JSON of the answer; `undefined` when it has none (204, 304). */
  async ask(path, options = {}) {
    const signals = [AbortSignal.timeout(PATIENCE_MS), ...(options.signal ? [options.signal] : [])];
    const response = await this.fetch(path, { ...options, signal: AbortSignal.any(signals) });
    return response.status === 204 || response.status === 304 ? undefined : response.json();
  }
}

/**
 * Waits before try number `tries` (from 0): at random up to a bound that doubles, so that the many who were
 * sent away together do not come back together; never less than the server asked for. Ends early when the
 * network is back.
 */
export function pause(tries, error, signal) {
  const bound = Math.min(30_000, 500 * 2 ** tries);
  const delay = Math.random() * bound + (error?.retryAfter ?? 0) * 1_000;
  return new Promise((resolve) => {
    const timer = setTimeout(done, delay);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    addEventListener("online", done);
    signal?.addEventListener("abort", done);
  });
}
