// One room, kept in step with the server.
//
// A room numbers its messages 1, 2, 3 … (`id`) and its changes 1, 2, 3 … (`seq`: each message, edit and deletion
// takes the next). The cursor is the last `seq` seen. To open a room is to read its newest page, which brings the
// cursor; from there on a stream tells what changes. A stream that breaks is resumed at the cursor, on either
// transport, so nothing is lost; and since one `id` is one row, of which the highest `seq` wins, nothing is doubled.

import { endsSession, pause, Refusal } from "./api.js";
import { Outbox } from "./outbox.js";

const PAGE = 50;

/** Servers give a sign of life every 25 s; after so long without one a stream is dead, whatever it looks like. */
const SILENCE_MS = 60_000;

/** What is said over a socket is answered within this, or the socket is taken for dead. */
const ANSWER_MS = 10_000;

/** Refusals that end a room for its reader. */
const ENDS_ROOM = new Set(["not_a_member", "room_not_found", "room_gone"]);

/** Numbers of a closing WebSocket that have a code (the others are broken connections). */
const CLOSE_CODES = { 4401: "token_expired", 4403: "not_a_member", 4410: "room_gone" };

export class Room {
  messages = new Map();
  /** The ids between which nothing is missing. */
  #oldest = Infinity;
  newest = 0;
  /** 0: nothing seen. */
  cursor = 0;
  /** Whether there are older messages than those here. */
  hasOlder = false;
  /** `connecting`, `live`, `waiting` (for the next try), or how the room ended: a Refusal. */
  state = "connecting";
  #closing = new AbortController();
  #listening = new AbortController();
  #socket;
  /** Handshakes in a row that came to nothing while the server answered polls. */
  #unopened = 0;
  /** What was said over the socket and is not answered yet, by key. */
  #said = new Map();

  /** `changed` is called after every change of what is here; `sessionEnded` once, when the token is no longer good. */
  constructor(api, id, { transport, changed, sessionEnded }) {
    Object.assign(this, { api, id, transport, changed, sessionEnded });
    this.path = `/v1/rooms/${id}`;
    this.outbox = new Outbox(`${api.user}/${id}`, (entry) => this.#say(entry), changed, this.#closing.signal);
    this.#run();
  }

  close() {
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
    let opened = false;
    for (let tries = 0; !signal.aborted; ) {
      try {
        this.#is("connecting");
        if (!opened) {
          const page = await this.api.ask(`${this.path}/messages?limit=${PAGE}`, { signal });
          this.cursor = page.cursor;
          this.hasOlder = page.has_more;
          this.#take(page.messages, true);
          if (!page.messages.length) this.#oldest = 1; // An empty room is known from its beginning.
          opened = true;
          this.outbox.start();
        }
        this.#listening = new AbortController();
        const live = () => {
          tries = 0;
          this.#is("live");
        };
        await (this.transport === "websocket" ? this.#listenBySocket(live) : this.#listenByEvents(live));
      } catch (error) {
        if (signal.aborted) return;
        if (endsSession(error)) return this.sessionEnded(error);
        if (ENDS_ROOM.has(error.code)) return this.#is(error);
        if (this.#listening.signal.aborted) continue; // Only the transport changes.
        // Set back to before our cursor, as from a backup: what we know may never have been.
        if (error.code === "cursor_ahead") {
          this.messages.clear();
          this.newest = 0;
          this.#oldest = Infinity;
          opened = false;
        }
        this.#is("waiting");
        await pause(tries++, error, signal);
      }
    }
  }

  #is(state) {
    this.state = state;
    this.changed();
  }

  /** Puts in what the server told. `page`: a page of neighbours, rather than changes anywhere in the room. */
  #take(messages, page = false) {
    if (page && messages.length) this.#oldest = Math.min(this.#oldest, messages[0].id);
    for (const message of messages) {
      const known = this.messages.get(message.id);
      // A change to what is older than all we have: it would stand beside a hole. It comes with its page.
      if (known ? known.seq >= message.seq : message.id < this.#oldest) continue;
      this.messages.set(message.id, message);
      this.newest = Math.max(this.newest, message.id);
    }
    // The sender alone is told the key of a message: so a lost answer to a POST is made up for by the stream.
    for (const { transaction_id: key } of messages) if (key) this.outbox.confirmed(key);
    this.changed();
  }

  /** One page more of history. */
  async older() {
    const page = await this.api.ask(`${this.path}/messages?before=${this.#oldest}&limit=${PAGE}`);
    this.hasOlder = page.has_more;
    this.#take(page.messages, true);
  }

  /** Server-sent events, read by fetch: an EventSource could not say who we are. */
  async #listenByEvents(live) {
    const { signal } = this.#listening;
    const response = await this.api.fetch(`${this.path}/events?after=${this.cursor}`, { signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    live();
    for (let rest = ""; ; ) {
      // A comment, which is a sign of life, counts like anything else.
      const silence = setTimeout(() => this.#listening.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) throw new Error("the stream has ended");
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const { event, id, data } of blocks.map(fields)) {
        if (event === "end") throw new Refusal(JSON.parse(data));
        if (event !== "message") continue;
        this.cursor = Number(id);
        this.#take([JSON.parse(data)]);
      }
    }
  }

  /** A WebSocket. What is said goes up it too. */
  async #listenBySocket(live) {
    const address = new URL(`${this.path}/socket?after=${this.cursor}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    // A browser cannot set Authorization here: the token goes as a second subprotocol, which is never answered.
    const socket = new WebSocket(address, ["chat.v1", `bearer.${this.api.token}`]);
    const close = () => socket.close();
    this.#listening.signal.addEventListener("abort", close);
    addEventListener("offline", close); // Pings are the browser's business; this is what a page can notice.
    const closed = await new Promise((resolve) => {
      socket.onclose = resolve;
      socket.onopen = () => {
        this.#socket = socket;
        this.#unopened = 0;
        live();
      };
      socket.onmessage = ({ data }) => this.#frame(JSON.parse(data));
    });
    const opened = this.#socket === socket;
    this.#socket = undefined;
    removeEventListener("offline", close);
    for (const said of this.#said.values()) said.reject(new Error("the socket has closed"));
    this.#said.clear();
    const code = CLOSE_CODES[closed.code];
    if (code) throw new Refusal({ status: code === "token_expired" ? 401 : 403, code });
    // Why a handshake was refused a page is not told. A poll is, and brings what is new besides.
    if (!this.#listening.signal.aborted) await this.#poll();
    // The server is there, and no socket opens: something between us lets none through. Events pass.
    if (!opened && ++this.#unopened >= 2) this.transport = "events";
    throw new Error("the socket has closed");
  }

  #frame(frame) {
    if (frame.type === "changes") {
      this.cursor = frame.cursor;
      this.#take(frame.messages);
      return;
    }
    // Frames of types that we do not know are of a later version.
    const said = this.#said.get(frame.transaction_id);
    this.#said.delete(frame.transaction_id);
    if (frame.type === "sent") said?.resolve(frame.message);
    if (frame.type === "refused") said?.reject(new Refusal(frame.problem, frame.retry_after));
  }

  async #poll() {
    const { signal } = this.#listening;
    const page = await this.api.ask(`${this.path}/messages?after=${this.cursor}`, { signal });
    if (!page) return; // 204: nothing is new.
    this.cursor = page.cursor;
    this.#take(page.messages);
  }

  // ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

  /** One try to say something: over the socket where there is one, else by POST. Both know the same keys. */
  async #say({ key, text }) {
    const message = this.#socket ? await this.#sayBySocket(key, text) : await this.#sayByPost(key, text);
    // The cursor stays where it is: there may be changes before this one that we have not seen.
    this.#take([message]);
  }

  #sayByPost(key, text) {
    const headers = { "Idempotency-Key": key };
    const { signal } = this.#closing;
    return this.api.ask(`${this.path}/messages`, { method: "POST", headers, body: { text }, signal });
  }

  #sayBySocket(key, text) {
    const socket = this.#socket;
    const late = setTimeout(() => socket.close(), ANSWER_MS);
    const answer = new Promise((resolve, reject) => this.#said.set(key, { resolve, reject }));
    socket.send(JSON.stringify({ type: "send", transaction_id: key, text }));
    return answer.finally(() => clearTimeout(late));
  }

  /** Edits and deletions may be repeated as they are: done twice is done once. */
  async edit(id, text) {
    this.#take([await this.api.ask(`${this.path}/messages/${id}`, { method: "PATCH", body: { text } })]);
  }

  async delete(id) {
    this.#take([await this.api.ask(`${this.path}/messages/${id}`, { method: "DELETE" })]);
  }

  /** Says that everything up to `id` has been read, on this device. */
  markRead(id) {
    return this.api.ask(`${this.path}/read`, { method: "PUT", body: { id } });
  }
}

/** `event`, `id` and `data` of a server-sent event. Each is one line; comments have no name. */
function fields(block) {
  return Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
}
