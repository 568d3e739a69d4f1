// The screen of one room: what it shows, and the place where one reads.

import { sleep } from "./api.js";
import { Composer } from "./composer.js";
import { Room } from "./room.js";
import { Rows } from "./rows.js";
import { words, wordsFor } from "./words.js";

/** Nearer than this to the end counts as at the end: new messages then scroll into view. */
const NEAR_PX = 80;

/** Between two words to the server of what has been read. */
const MARK_MS = 1_000;

/** How long it is said that something could not be done. */
const NOTICE_MS = 8_000;

const element = (id) => document.getElementById(id);
const timeline = element("timeline");
const list = element("messages");

export class RoomView {
  #closing = new AbortController();
  #read = 0;
  #marking = false;
  #drawing = false;
  #loading = false;
  #seen = 0;
  /** Whether the reader is at the end; new messages, and a box that becomes smaller, leave them there. */
  #pinned = true;
  #notice = "";

  /** `read` is called with the server's answer when the read marker has moved. */
  constructor(api, { id, title, read_marker }, outbox, { sessionEnded, read }) {
    Object.assign(this, { read });
    this.#read = read_marker ?? 0;
    const { signal } = this.#closing;
    element("room-title").textContent = title;
    element("open-room").hidden = false;
    const transport = sessionStorage.getItem("transport") ?? "websocket";
    this.rows = new Rows(list, api.user, {
      edit: (message) => this.composer.begin(message),
      delete: (message) => this.#delete(message),
      retry: (key) => outbox.retry(key),
      discard: (key) => outbox.confirmed(key),
    });
    this.room = new Room(api, id, outbox, { transport, changed: () => this.#draw(), sessionEnded });
    this.composer = new Composer(`draft/${api.user}/${id}`, signal, {
      say: (text) => {
        outbox.add(text);
        this.#toEnd();
      },
      edit: (id, text) => this.#done(this.room.edit(id, text)),
    });
    this.#listen(signal);
  }

  close() {
    this.#closing.abort();
    this.room.close();
    element("open-room").hidden = true;
    element("banner").hidden = true;
  }

  #listen(signal) {
    const on = (target, event, handler) => target.addEventListener(event, handler, { signal });
    on(element("transport"), "change", ({ target }) => {
      sessionStorage.setItem("transport", target.value);
      this.room.listenBy(target.value);
    });
    on(timeline, "scroll", () => this.#scrolled());
    on(element("older"), "click", () => this.#older());
    on(element("newest"), "click", () => this.#toEnd());
    on(document, "visibilitychange", () => this.#markRead());
    for (const event of ["online", "offline"]) on(window, event, () => this.#draw());
    // A phone that is turned, its keyboard, a message of many lines being written.
    const resized = new ResizeObserver(() => this.#pinned && this.#toEnd());
    resized.observe(timeline);
    signal.addEventListener("abort", () => resized.disconnect());
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
    this.rows.draw(this.room.inOrder, this.room.outbox.entries);
    element("older").hidden = !this.room.hasOlder;
    element("no-messages").hidden = this.rows.size > 0 || !this.room.opened;
    // What comes in, above or below, moves nothing from under the reader's eyes, unless they are at the end.
    if (atEnd) this.#toEnd();
    else if (anchor?.row.isConnected) timeline.scrollTop += anchor.row.getBoundingClientRect().top - anchor.top;
    element("newest").hidden = this.#atEnd || this.room.newest <= this.#seen;
    this.#markRead();
  }

  #drawState() {
    const { state, tries } = this.room;
    const ended = state instanceof Error;
    element("state").textContent = ended ? "" : words[state];
    element("state").dataset.state = ended ? "ended" : state;
    element("transport").value = this.room.transport;
    // Not at the first try, which is all that most interruptions take.
    const trouble = state === "waiting" && tries > 1 ? words.serverTrouble : this.#notice;
    const banner = element("banner");
    banner.textContent = ended ? wordsFor(state) : navigator.onLine ? trouble : words.offline;
    banner.hidden = !banner.textContent;
    element("composer").inert = ended;
    // What was said before is history, not news to be read out.
    timeline.ariaBusy = String(this.#loading || !this.room.opened);
  }

  /** Whether it could be done; if not, says so for a while. */
  async #done(act) {
    try {
      await act;
      return true;
    } catch (error) {
      const { signal } = this.#closing;
      if (signal.aborted) return true;
      const notice = (this.#notice = wordsFor(error));
      this.#draw();
      sleep(NOTICE_MS, signal).then(() => {
        if (this.#notice === notice) this.#notice = "";
        this.#draw();
      });
      return false;
    }
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
    this.#pinned = true;
  }

  #scrolled() {
    this.#pinned = this.#atEnd;
    if (timeline.scrollTop < NEAR_PX) this.#older();
    this.#markRead();
  }

  async #older() {
    if (this.#loading || !this.room.hasOlder) return;
    this.#loading = true;
    this.#draw();
    await this.#done(this.room.older());
    this.#loading = false;
    this.#draw();
  }

  /** What is on the screen, at the end of the room, has been read. The server hears of it now and then. */
  async #markRead() {
    if (document.hidden || !this.#atEnd) return;
    this.#seen = this.room.newest;
    element("newest").hidden = true;
    if (this.#marking) return;
    this.#marking = true;
    const { signal } = this.#closing;
    for (let tries = 0; this.#read < this.#seen && !signal.aborted; tries++) {
      const seen = this.#seen;
      const marker = await this.room.markRead(seen).catch(() => undefined);
      if (marker) [this.#read, tries] = [seen, 0];
      if (marker && !signal.aborted) this.read(marker);
      await sleep(MARK_MS * 2 ** Math.min(tries, 5), signal);
    }
    this.#marking = false;
  }

  async #delete(message) {
    if (!confirm(words.sureToDelete)) return;
    timeline.focus({ preventScroll: true }); // The button goes with what it deletes.
    await this.#done(this.room.delete(message.id));
  }
}
