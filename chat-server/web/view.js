// The screen of one room: its messages as rows, the place where one reads, and what one writes.
//
// What somebody has said is only ever put in as text (`textContent`), so nothing in it is markup.

import { day, time, words, wordsFor } from "./words.js";
import { Room } from "./room.js";

const MOST_CHARACTERS = 4_000;

/** Nearer than this to the end counts as at the end: new messages then scroll into view. */
const NEAR_PX = 80;

const element = (id) => document.getElementById(id);
const timeline = element("timeline");
const list = element("messages");
const text = element("text");

function make(tag, className, content, children = []) {
  const made = Object.assign(document.createElement(tag), { className });
  if (content !== undefined) made.textContent = content;
  made.append(...children);
  return made;
}

/** What is counted and sent: the server trims and normalises alike. */
const tidy = (raw) => raw.trim().normalize("NFC");

export class RoomView {
  #closing = new AbortController();
  #rows = new Map();
  #editing;
  #read = 0;
  #drawing = false;
  #loading = false;
  #seen = 0;

  /** `read` is called with the server's answer when the read marker has moved. */
  constructor(api, { id, title, read_marker }, { sessionEnded, read }) {
    Object.assign(this, { api, read });
    this.#read = read_marker ?? 0;
    this.draft = `draft/${api.user}/${id}`;
    list.replaceChildren();
    element("room-title").textContent = title;
    element("open-room").hidden = false;
    text.value = sessionStorage.getItem(this.draft) ?? "";
    element("transport").value = sessionStorage.getItem("transport") ?? "websocket";
    this.#listen();
    const changed = () => this.#draw();
    this.room = new Room(api, id, { transport: element("transport").value, changed, sessionEnded });
    this.#count();
  }

  close() {
    this.#closing.abort();
    this.room.close();
    element("open-room").hidden = true;
    element("banner").hidden = true;
  }

  #listen() {
    const { signal } = this.#closing;
    const on = (target, event, handler) => target.addEventListener(event, handler, { signal });
    on(element("transport"), "change", ({ target }) => {
      sessionStorage.setItem("transport", target.value);
      this.room.listenBy(target.value);
    });
    on(element("composer"), "submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    on(text, "keydown", (event) => {
      // While Hangul is being composed, Enter belongs to the syllable.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      }
      if (event.key === "Escape") this.#edit(undefined);
    });
    on(text, "input", () => this.#count());
    on(timeline, "scroll", () => this.#scrolled());
    on(element("older"), "click", () => this.#older());
    on(element("newest"), "click", () => this.#toEnd());
    on(element("stop-editing"), "click", () => this.#edit(undefined));
    on(document, "visibilitychange", () => this.#markRead());
    for (const event of ["online", "offline"]) on(window, event, () => this.#draw());
  }

  // ── Drawing ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Once for all that changes in one go. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (!this.#closing.signal.aborted) this.#drawNow();
    });
  }

  #drawNow() {
    const atEnd = this.#atEnd;
    const anchor = atEnd ? undefined : this.#anchor();
    this.#drawState();
    this.#drawRows();
    element("older").hidden = !this.room.hasOlder;
    element("no-messages").hidden = this.#rows.size > 0 || this.room.state === "connecting";
    // What comes in, above or below, moves nothing from under the reader's eyes, unless they are at the end.
    if (atEnd) this.#toEnd();
    else if (anchor?.row.isConnected) timeline.scrollTop += anchor.row.getBoundingClientRect().top - anchor.top;
    element("newest").hidden = this.#atEnd || this.room.newest <= this.#seen;
    this.#markRead();
  }

  #drawState() {
    const { state } = this.room;
    const ended = state instanceof Error;
    const banner = element("banner");
    element("state").textContent = ended ? "" : words[state];
    element("transport").value = this.room.transport;
    element("state").dataset.state = ended ? "ended" : state;
    const offline = !navigator.onLine ? words.offline : state === "waiting" ? words.serverTrouble : "";
    banner.textContent = ended ? wordsFor(state) : offline;
    banner.hidden = !banner.textContent;
    element("composer").inert = ended;
  }

  /** Messages by id, then what is not confirmed yet, with a line before each new day. */
  #drawRows() {
    const items = [];
    let before;
    const dated = (at) => {
      const date = day(at);
      if (date !== before) items.push({ key: `day ${date}`, version: "", build: () => make("li", "day", date) });
      before = date;
    };
    for (const message of this.room.inOrder) {
      dated(message.sent_at);
      // One row from the first try to the confirmed message: its key is the sender's own.
      const key = message.transaction_id ?? message.id;
      items.push({ key, version: `seq ${message.seq}`, build: () => this.#messageRow(message) });
    }
    for (const entry of this.room.outbox.entries) {
      dated(entry.at);
      items.push({ key: entry.key, version: `${entry.refused}`, build: () => this.#pendingRow(entry) });
    }
    this.#reconcile(items);
  }

  /** Brings the rows to what `items` say, and touches no other: the place of reader and focus stays. */
  #reconcile(items) {
    const rows = new Map();
    let next = list.firstElementChild;
    for (const { key, version, build } of items) {
      let row = this.#rows.get(key);
      if (row?.dataset.version !== version) {
        const fresh = build();
        fresh.dataset.version = version;
        if (row) {
          if (next === row) next = fresh;
          row.replaceWith(fresh);
        }
        row = fresh;
      }
      rows.set(key, row);
      if (row === next) next = next.nextElementSibling;
      else list.insertBefore(row, next);
    }
    while (next) {
      const gone = next;
      next = next.nextElementSibling;
      gone.remove();
    }
    this.#rows = rows;
  }

  #messageRow(message) {
    // The key of a message is told to its sender alone, whatever the token calls them.
    const own = message.sender === this.api.user || Boolean(message.transaction_id);
    const said = message.deleted ? make("p", "text gone", words.deleted) : make("p", "text", message.text);
    const about = [make("time", "", time(message.sent_at))];
    if (message.edited_at && !message.deleted) about.push(make("span", "", words.edited));
    if (own && !message.deleted) {
      about.push(this.#button(words.edit, () => this.#edit(message)));
      about.push(this.#button(words.delete, () => this.#delete(message)));
    }
    const sender = make("span", own ? "sender own-name" : "sender", message.sender);
    const row = make("li", own ? "own" : "other", undefined, [sender, said, make("div", "about", undefined, about)]);
    row.dataset.id = message.id;
    return row;
  }

  #pendingRow(entry) {
    const about = [make("span", "", entry.refused ? words.refused(entry.refused) : words.pending)];
    if (entry.refused) {
      about.push(this.#button(words.retry, () => this.room.outbox.retry(entry.key)));
      about.push(this.#button(words.discard, () => this.room.outbox.confirmed(entry.key)));
    }
    const children = [make("p", "text", entry.text), make("div", "about", undefined, about)];
    return make("li", `own ${entry.refused ? "failed" : "pending"}`, undefined, children);
  }

  #button(label, act) {
    const button = make("button", "", label);
    button.addEventListener("click", act);
    return button;
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

  /** The first message on the screen, and where. */
  #anchor() {
    const { top } = timeline.getBoundingClientRect();
    const row = [...list.querySelectorAll("[data-id]")].find((row) => row.getBoundingClientRect().bottom > top);
    return row && { row, top: row.getBoundingClientRect().top };
  }

  get #atEnd() {
    return timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < NEAR_PX;
  }

  #toEnd() {
    timeline.scrollTop = timeline.scrollHeight;
  }

  #scrolled() {
    if (timeline.scrollTop < NEAR_PX) this.#older();
    this.#markRead();
  }

  async #older() {
    if (this.#loading || !this.room.hasOlder) return;
    this.#loading = true;
    timeline.ariaBusy = "true"; // What comes in above is history, not news to be read out.
    try {
      await this.room.older();
    } catch (error) {
      this.#tell(error);
    }
    this.#loading = false;
    timeline.ariaBusy = "false";
  }

  /** What is on the screen, at the end of the room, has been read. */
  async #markRead() {
    const { newest } = this.room;
    if (document.hidden || !this.#atEnd) return;
    this.#seen = newest;
    element("newest").hidden = true;
    if (newest <= this.#read) return;
    this.#read = newest;
    // Whatever comes of it: the next message marks this one too.
    this.read(await this.room.markRead(newest).catch(() => undefined));
  }

  // ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

  async #submit() {
    const said = tidy(text.value);
    if (!said || [...said].length > MOST_CHARACTERS) return;
    const editing = this.#editing;
    this.#edit(undefined);
    this.#write("");
    if (!editing) {
      this.room.outbox.add(said);
      return this.#toEnd();
    }
    try {
      await this.room.edit(editing.id, said);
    } catch (error) {
      this.#tell(error);
      if (!text.value) this.#write(said); // Nothing that was written is lost.
    }
  }

  #edit(message) {
    if (!message && !this.#editing) return;
    this.#editing = message;
    element("editing").hidden = !message;
    this.#write(message?.text ?? "");
    text.focus();
  }

  async #delete(message) {
    if (!confirm(words.sureToDelete)) return;
    await this.room.delete(message.id).catch((error) => this.#tell(error));
  }

  #write(content) {
    text.value = content;
    this.#count();
  }

  #count() {
    if (!this.#editing) sessionStorage.setItem(this.draft, text.value);
    const length = [...tidy(text.value)].length;
    element("counter").textContent = length > MOST_CHARACTERS * 0.9 ? words.tooLong(length, MOST_CHARACTERS) : "";
    element("send").disabled = length === 0 || length > MOST_CHARACTERS;
  }

  #tell(error) {
    element("banner").textContent = wordsFor(error);
    element("banner").hidden = false;
  }
}
