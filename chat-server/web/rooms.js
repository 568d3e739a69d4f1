// The list of rooms: looked at again and again, drawn, and added to.

import { endsSession, pause, Refusal, sleep } from "./api.js";
import { newKey } from "./outbox.js";
import { make } from "./rows.js";
import { words, wordsFor } from "./words.js";

/** Between two looks at the list of rooms, unless the server asks for more. */
const LOOK_MS = 5_000;

/** How long a look may take: it is also how a network that is gone without a word is noticed. */
const PATIENCE_MS = 10_000;

const element = (id) => document.getElementById(id);

export class RoomList {
  rooms = [];
  /** What was asked for and not answered, and its key: asked for again, it makes no second room. */
  #making;

  /** `looked` is called after each look, `trouble` with what is in its way, `ended` when the token is no longer good. */
  constructor(api, outboxes, signal, { looked, trouble, ended }) {
    Object.assign(this, { api, outboxes, signal, looked, trouble, ended });
    element("make").addEventListener("submit", (event) => this.#make(event), { signal });
    this.#look();
  }

  find(id) {
    return this.rooms.find((room) => room.id === id);
  }

  /** Looks again and again while the page is on the screen. Unchanged, it costs a 304. */
  async #look() {
    const { signal } = this;
    let tag;
    for (let tries = 0; !signal.aborted; ) {
      try {
        const headers = tag ? { "If-None-Match": tag } : {};
        const { head, body } = await this.api.answer("/v1/rooms", { headers, signal, patience: PATIENCE_MS });
        tag = head.headers.get("ETag");
        if (body) this.rooms = body.rooms;
        this.looked();
        tries = 0;
        const wish = Number(head.headers.get("chat-poll-interval")) * 1_000;
        await sleep(Math.max(LOOK_MS, wish), signal);
        await shown(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (endsSession(error)) return this.ended(error);
        this.trouble(wordsFor(error, words.serverTrouble));
        await pause(tries++, error, signal);
      }
    }
  }

  /** The liveliest first. `open` is the number of the room on the screen. */
  draw(open) {
    const lively = ({ last_message: last }) => last?.sent_at ?? "";
    const sorted = this.rooms.toSorted((a, b) => lively(b).localeCompare(lively(a)) || b.id - a.id);
    const lines = sorted.map((room) => make("li", "", undefined, [this.#line(room, room.id === open)]));
    const list = element("room-list");
    const focused = list.contains(document.activeElement) && document.activeElement.hash;
    list.replaceChildren(...lines);
    if (focused) lines.find((line) => line.firstChild.hash === focused)?.firstChild.focus();
    element("no-rooms").hidden = lines.length > 0;
  }

  #line({ id, title, unread, last_message: last }, isOpen) {
    const link = Object.assign(document.createElement("a"), { href: `#/rooms/${id}` });
    if (isOpen) link.ariaCurrent = "page";
    link.append(make("span", "title", title));
    const unsent = this.outboxes.unsent(id);
    if (unsent.length > 0) {
      const refused = unsent.some((entry) => entry.refused);
      link.append(make("span", refused ? "last refused" : "last", refused ? words.notSent : words.pending));
    } else if (last) {
      // Each in its own direction, whatever the other's is.
      const said = last.deleted ? words.deleted : last.text;
      link.append(make("span", "last", undefined, [make("bdi", "", last.sender), ": ", make("bdi", "", said)]));
    }
    if (unread > 0) {
      const badge = make("span", "unread", unread > 99 ? "99+" : unread);
      Object.assign(badge, { ariaLabel: words.unread(unread), role: "img" });
      link.append(badge);
    }
    return link;
  }

  async #make(event) {
    event.preventDefault();
    const form = event.target;
    const [button, problem] = [form.querySelector("button"), element("make-error")];
    const members = form.members.value.split(/[\s,]+/u).filter(Boolean);
    problem.textContent = "";
    button.disabled = true;
    const body = { title: form.title.value, members };
    const asked = JSON.stringify(body);
    if (this.#making?.asked !== asked) this.#making = { asked, key: newKey() };
    try {
      const headers = { "Idempotency-Key": this.#making.key };
      const room = await this.api.ask("/v1/rooms", { method: "POST", headers, body });
      if (!this.find(room.id)) this.rooms.push({ ...room, last_message: null, unread: 0, read_marker: null });
      this.#making = undefined;
      form.reset();
      element("new-room").open = false;
      location.hash = `#/rooms/${room.id}`;
    } catch (error) {
      problem.textContent = error instanceof Refusal ? error.message : words.failed;
    }
    button.disabled = false;
  }
}

/** Waits until the page is on the screen. */
async function shown(signal) {
  if (!document.hidden) return;
  const { promise, resolve } = Promise.withResolvers();
  document.addEventListener("visibilitychange", resolve, { once: true, signal });
  signal.addEventListener("abort", resolve, { once: true });
  await promise;
}
