// What is said, and kept until the server has confirmed it.

import { endsSession, passes, pause } from "./api.js";

/**
 * What the user has said and the server has not confirmed, in order. Each keeps its key until then, through
 * every try and a reload of the page: that is what makes of many tries one message.
 */
export class Outbox {
  #wanted = Promise.withResolvers();
  #started = false;

  constructor(name, say, changed, signal) {
    signal.addEventListener("abort", () => this.#wanted.resolve());
    Object.assign(this, { name: `outbox/${name}`, say, changed, signal });
    this.entries = JSON.parse(sessionStorage.getItem(this.name) ?? "[]");
  }

  add(text) {
    this.entries.push({ key: newKey(), text, at: Date.now() });
    this.#kept();
  }

  /** After a refusal: the same again, or not at all. */
  retry(key) {
    delete this.entries.find((entry) => entry.key === key)?.refused;
    this.#kept();
  }

  confirmed(key) {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.key !== key);
    if (this.entries.length !== before) this.#kept();
  }

  #kept() {
    sessionStorage.setItem(this.name, JSON.stringify(this.entries));
    this.changed();
    this.#wanted.resolve();
  }

  /** Sends one after the other for as long as the room is open. */
  async start() {
    if (this.#started) return;
    this.#started = true;
    for (let tries = 0; !this.signal.aborted; ) {
      const entry = this.entries.find((entry) => !entry.refused);
      if (!entry) {
        this.#wanted = Promise.withResolvers();
        await this.#wanted.promise;
        continue;
      }
      try {
        await this.say(entry);
        this.confirmed(entry.key);
        tries = 0;
      } catch (error) {
        if (this.signal.aborted || endsSession(error)) return;
        if (passes(error)) {
          await pause(tries++, error, this.signal);
        } else {
          // One that is refused does not hold the others.
          entry.refused = error.code;
          this.#kept();
        }
      }
    }
  }
}

/** 128 random bits. Not `randomUUID`, which a page that came by plain http does not have. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
