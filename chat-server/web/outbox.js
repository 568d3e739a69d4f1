// What is said, and kept until the server has confirmed it.
//
// It is the session's, not the open room's: what was written in a room is sent wherever the reader has gone since.

import { endsSession, passes, pause } from "./api.js";

/**
 * What the user has said in one room and the server has not confirmed, in order. Each keeps its key until then, through
 * every try and a reload of the page: that is what makes of many tries one message.
 */
export class Outbox {
  /** While the room is open: what hears of the messages, and may carry them. */
  room;
  #wanted = Promise.withResolvers();
  #wake = new AbortController();

  constructor(api, id, changed, signal) {
    Object.assign(this, { api, name: nameOf(api.user, id), path: `/v1/rooms/${id}`, changed, signal });
    this.entries = JSON.parse(sessionStorage.getItem(this.name) ?? "[]");
    signal.addEventListener("abort", () => this.#wanted.resolve());
    this.#run();
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

  /** The server is there: whatever waits for it need not. */
  wake() {
    this.#wake.abort();
  }

  #kept() {
    if (this.entries.length) sessionStorage.setItem(this.name, JSON.stringify(this.entries));
    else sessionStorage.removeItem(this.name);
    this.changed();
    this.room?.changed();
    this.#wanted.resolve();
  }

  /** Sends one after the other for as long as the session lasts. */
  async #run() {
    for (let tries = 0; !this.signal.aborted; ) {
      const entry = this.entries.find((entry) => !entry.refused);
      if (!entry) {
        this.#wanted = Promise.withResolvers();
        await this.#wanted.promise;
        continue;
      }
      try {
        const message = await (this.room?.carrier ?? this.#post).call(this, entry);
        this.room?.take([message]);
        this.confirmed(entry.key);
        tries = 0;
      } catch (error) {
        if (this.signal.aborted || endsSession(error)) return;
        if (passes(error)) {
          this.#wake = new AbortController();
          await pause(tries++, error, this.signal, this.#wake);
        } else {
          // One that is refused does not hold the others.
          entry.refused = error.code;
          this.#kept();
        }
      }
    }
  }

  /** Where nothing is open that carries it. The keys are the same. */
  #post({ key, text }) {
    const headers = { "Idempotency-Key": key };
    return this.api.ask(`${this.path}/messages`, { method: "POST", headers, body: { text }, signal: this.signal });
  }
}

/** Those of one user, by room. They end with the session. */
export class Outboxes {
  #byRoom = new Map();

  /** `changed` is called whenever there is more or less to send. */
  constructor(api, changed, signal) {
    Object.assign(this, { api, changed, signal });
    // What an earlier page has left unsent.
    for (const name of Object.keys(sessionStorage)) {
      const id = Number(name.split("/").pop());
      if (id && name === nameOf(api.user, id)) this.of(id);
    }
  }

  of(id) {
    if (!this.#byRoom.has(id)) this.#byRoom.set(id, new Outbox(this.api, id, this.changed, this.signal));
    return this.#byRoom.get(id);
  }

  /** What is unsent in a room, or in all. */
  unsent(id) {
    const outboxes = id === undefined ? [...this.#byRoom.values()] : [this.#byRoom.get(id)];
    return outboxes.flatMap((outbox) => outbox?.entries ?? []);
  }
}

const nameOf = (user, id) => `outbox/${user}/${id}`;

/** 128 random bits. Not `randomUUID`, which a page that came by plain http does not have. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
