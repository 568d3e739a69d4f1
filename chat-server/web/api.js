// Requests to the server, what it answers when it refuses, and the wait before the next try.

/** The longest that an answer may take. A try that fails is repeated; one that hangs would not be. */
export const PATIENCE_MS = 20_000;

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

/** What a token says of itself, which the server alone can judge; `undefined` for what is no token. */
export function claimsOf(token) {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(claims), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

export class Api {
  constructor(token) {
    this.token = token;
    // A server may name users by another claim. Then it knows who we are, and we need not.
    this.user = claimsOf(token).sub ?? "";
  }

  /** The head of an answer that is not a refusal, within a time. Throws a Refusal, or another error when none came. */
  async fetch(path, { method = "GET", body, headers, signal, patience = PATIENCE_MS } = {}) {
    const hangs = new AbortController();
    const timer = setTimeout(() => hangs.abort(new Error("no answer in time")), patience);
    const response = await fetch(path, {
      method,
      signal: AbortSignal.any([hangs.signal, ...(signal ? [signal] : [])]),
      cache: "no-store", // What we know already we say ourselves, by cursor and by ETag.
      credentials: "omit",
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    }).finally(() => clearTimeout(timer));
    if (response.ok || response.status === 304) return response;
    const unknown = { status: response.status, code: "unknown", title: response.statusText };
    const problem = await response.json().catch(() => unknown);
    throw new Refusal({ ...unknown, ...problem }, Number(response.headers.get("Retry-After")) || 0);
  }

  /** The whole of an answer within a time: its `head`, and the JSON of its `body` if it has one (not 204, 304). */
  async answer(path, { signal, patience = PATIENCE_MS, ...options } = {}) {
    const within = AbortSignal.any([AbortSignal.timeout(patience), ...(signal ? [signal] : [])]);
    const head = await this.fetch(path, { ...options, patience, signal: within });
    return { head, body: head.status === 204 || head.status === 304 ? undefined : await head.json() };
  }

  /** Of that, the body. */
  async ask(path, options) {
    return (await this.answer(path, options)).body;
  }
}

/** Waits so long; less when one of the signals is aborted. */
export function sleep(milliseconds, ...signals) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    }
    for (const signal of signals) signal.addEventListener("abort", done);
    if (signals.some((signal) => signal.aborted)) done();
  });
}

/**
 * Waits before try number `tries` (from 0): as long as the server asked for, and then at random up to a bound that
 * doubles, so that the many who were sent away together do not come back together. That second part ends early when
 * `wake` is aborted or the network is back; all of it when `signal` is.
 */
export async function pause(tries, error, signal, wake = new AbortController()) {
  await sleep((error?.retryAfter ?? 0) * 1_000, signal);
  const back = () => wake.abort();
  addEventListener("online", back);
  await sleep(Math.random() * Math.min(30_000, 500 * 2 ** tries), signal, wake.signal);
  removeEventListener("online", back);
}
