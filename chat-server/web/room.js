// One room, kept in step with the server.
//
// A room numbers its messages 1, 2, 3 … (`id`) and its changes 1, 2, 3 … (`seq`: each message, edit and deletion
// takes the next). The cursor is the last `seq` seen. To open a room is to read its newest page, which brings the
// cursor; from there on a stream tells what changes (listen.js). A stream that breaks is resumed at the cursor, by
// whatever way, so nothing is lost; and since one `id` is one row, of which the highest `seq` wins, nothing is doubled.

import { endsSession, PATIENCE_MS, pause, Refusal, sleep } from "./api.js";
import { nextWay, WAYS } from "./listen.js";

const PAGE = 50;

/** How much later than the list of rooms a stream may tell something. */
const OWED_MS = 2_000;

/** Refusals that end a room for its reader. */
const ENDS_ROOM = new Set(["not_a_member", "room_not_found", "room_gone"]);

export class Room {
  messages = new Map();
  /** Between this id and `newest` nothing is missing. */
  #oldest = Infinity;
  newest = 0;
  /** 0: nothing seen. */
  cursor = 0;
  /** Whether there are older messages than those here. */
  hasOlder = false;
  /** Whether the newest page has come. */
  opened = false;
  /** `connecting`, `live`, `waiting` (for the next try), or how the room ended: a Refusal. */
  state = "connecting";
  /** Tries in a row that came to nothing. */
  tries = 0;
  /** Sends something by what is open, if that can. */
  carrier;
  #closing = new AbortController();
  #listening = new AbortController();
  #wake = new AbortController();
  /** Ways in a row that did not get through while the server answered polls. */
  #unopened = 0;
  /** While an older page is on its way: changes to messages that it may bring as they were before. */
  #early;

  /** `changed` is called after every change of what is here; `sessionEnded` once, when the token is no longer good. */
  constructor(api, id, outbox, { transport, changed, sessionEnded }) {
    Object.assign(this, { api, id, outbox, transport, changed, sessionEnded });
    this.path = `/v1/rooms/${id}`;
    outbox.room = this;
    this.#run();
  }

  close() {
    this.outbox.room = undefined;
    this.#closing.abort();
    this.#listening.abort();
  }

  /** Goes on by another transport, at the same cursor. */
  listenBy(transport) {
    this.transport = transport;
    this.#unopened = 0;
    this.#listening.abort();
  }

  /** By id, oldest first. */
  get inOrder() {
    return [...this.messages.values()].sort((a, b) => a.id - b.id);
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

  async #run() {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#listening = new AbortController();
      try {
        this.#is("connecting");
        if (!this.opened) await this.#open(signal);
        await this.#listen();
      } catch (error) {
        if (signal.aborted) return;
        if (endsSession(error)) return this.sessionEnded(error);
        if (ENDS_ROOM.has(error.code)) return this.#is(error);
        if (this.#listening.signal.aborted) continue; // Only the transport changes.
        // Set back to before our cursor, as from a backup: what we know may never have been.
        if (error.code === "cursor_ahead") this.#forget();
        this.#is("waiting");
        this.#wake = new AbortController();
        await pause(this.tries++, error, signal, this.#wake);
      }
    }
  }

  async #open(signal) {
    const page = await this.api.ask(`${this.path}/messages?limit=${PAGE}`, { signal });
    this.hasOlder = page.has_more;
    this.opened = true;
    if (!page.messages.length) this.#oldest = 1; // An empty room is known from its beginning.
    this.#takePage(page.messages);
    this.take([], page.cursor);
  }

  #forget() {
    this.messages.clear();
    this.newest = 0;
    this.#oldest = Infinity;
    this.opened = false;
  }

  /** Hears what changes until that ends, as it always does: by throwing. */
  async #listen() {
    const { signal } = this.#listening;
    let worked = false;
    const live = () => {
      worked = true;
      [this.tries, this.#unopened] = [0, 0];
      this.outbox.wake();
      if (this.state !== "live") this.#is("live");
    };
    try {
      await WAYS[this.transport](this, signal, live);
    } catch (error) {
      if (error instanceof Refusal || signal.aborted) throw error;
      // Why a socket was not opened a page is not told. A poll is, and brings what is new besides.
      await this.poll(signal);
      // The server is there, and the way leads nowhere: something between us lets nothing through.
      if (!worked && ++this.#unopened >= 2) {
        this.#unopened = 0;
        this.transport = nextWay(this.transport);
      }
      throw error;
    }
  }

  #is(state) {
    this.state = state;
    this.changed();
  }

  /** Puts in changes from anywhere in the room, up to `cursor`; what an answer brings moves no cursor. */
  take(messages, cursor = this.cursor) {
    this.cursor = cursor;
    for (const message of messages) {
      // What is older than all we have would stand beside a hole. It comes with its page.
      if (message.id >= this.#oldest) this.#put(message);
      else this.#early?.push(message);
    }
    this.#told(messages);
  }

  /** Puts in a page of neighbours. */
  #takePage(messages) {
    if (messages.length) this.#oldest = Math.min(this.#oldest, messages[0].id);
    for (const message of messages) this.#put(message);
    this.#told(messages);
  }

  #put(message) {
    if (this.messages.get(message.id)?.seq >= message.seq) return;
    this.messages.set(message.id, message);
    this.newest = Math.max(this.newest, message.id);
  }

  /** The sender alone is told the key of a message: so a lost answer to a POST is made up for by the stream. */
  #told(messages) {
    for (const { transaction_id: key } of messages) if (key) this.outbox.confirmed(key);
    this.changed();
  }

  /** One page more of history. */
  async older() {
    this.#early = [];
    try {
      const page = await this.api.ask(`${this.path}/messages?before=${this.#oldest}&limit=${PAGE}`);
      this.hasOlder = page.has_more;
      this.#takePage(page.messages);
    } finally {
      const early = this.#early;
      this.#early = undefined;
      this.take(early);
    }
  }

  /** Asks once what is new, at once or held for so many seconds; tells whether anything is, and over how many
   * milliseconds to spread the next question. */
  async poll(signal, held = 0) {
    const path = `${this.path}/messages?after=${this.cursor}${held ? `&wait=${held}` : ""}`;
    const { head, body: page } = await this.api.answer(path, { signal, patience: held * 1_000 + PATIENCE_MS });
    if (page) this.take(page.messages, page.cursor); // Not 204: something is new.
    return { news: Boolean(page), jitter: Number(head.headers.get("chat-jitter")) };
  }

  /** The list of rooms knows of the change `seq`. If we are not told it soon, what we listen to is dead. */
  async expects(seq) {
    if (this.state === "waiting") this.#wake.abort(); // The server is there.
    if (seq <= this.cursor) return;
    const listening = this.#listening;
    await sleep(OWED_MS, listening.signal);
    if (seq > this.cursor && this.state === "live") listening.abort();
  }

  // ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Edits and deletions may be repeated as they are: done twice is done once. */
  async edit(id, text) {
    this.take([await this.api.ask(`${this.path}/messages/${id}`, { method: "PATCH", body: { text } })]);
  }

  async delete(id) {
    this.take([await this.api.ask(`${this.path}/messages/${id}`, { method: "DELETE" })]);
  }

  /** Says that everything up to `id` has been read, on this device. */
  markRead(id) {
    return this.api.ask(`${this.path}/read`, { method: "PUT", body: { id } });
  }
}
