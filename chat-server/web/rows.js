// The messages of a room as rows of a list.
//
// What somebody has said is only ever put in as text (`textContent`), so nothing in it is markup.

import { day, time, words } from "./words.js";

/** An element with a text, in whatever direction that is written, or with children. */
export function make(tag, className, content, children = []) {
  const made = Object.assign(document.createElement(tag), { className });
  if (content !== undefined) Object.assign(made, { textContent: content, dir: "auto" });
  made.append(...children);
  return made;
}

function button(label, act) {
  const made = make("button", "", label);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

export class Rows {
  #rows = new Map();

  /** `acts`: what the buttons of a row do: `edit`, `delete` (of a message), `retry`, `discard` (of an unsent one). */
  constructor(list, user, acts) {
    Object.assign(this, { list, user, acts });
    list.replaceChildren();
  }

  get size() {
    return this.#rows.size;
  }

  /** Messages by id, then what is not confirmed yet, with a line before each new day. */
  draw(messages, entries) {
    const items = [];
    let before;
    const dated = (at, key) => {
      const date = day(at);
      // Clocks differ, so that a day may come twice: the line is that of the message below it.
      if (date !== before) items.push({ key: `day ${key}`, version: date, build: () => make("li", "day", date) });
      before = date;
    };
    for (const message of messages) {
      // One row from the first try to the confirmed message: its key is the sender's own.
      const key = message.transaction_id ?? message.id;
      dated(message.sent_at, key);
      items.push({ key, version: `seq ${message.seq}`, build: () => this.#message(message) });
    }
    for (const entry of entries) {
      dated(entry.at, entry.key);
      items.push({ key: entry.key, version: `${entry.refused}`, build: () => this.#unsent(entry) });
    }
    this.#reconcile(items);
  }

  /** Brings the rows to what `items` say, and touches no other: the place of reader and focus stays. */
  #reconcile(items) {
    const rows = new Map();
    let next = this.list.firstElementChild;
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
      else this.list.insertBefore(row, next);
    }
    while (next) {
      const gone = next;
      next = next.nextElementSibling;
      gone.remove();
    }
    this.#rows = rows;
  }

  #message(message) {
    // The key of a message is told to its sender alone, whatever the token calls them.
    const own = message.sender === this.user || Boolean(message.transaction_id);
    const said = message.deleted ? make("p", "text gone", words.deleted) : make("p", "text", message.text);
    const about = [make("time", "", time(message.sent_at))];
    if (message.edited_at && !message.deleted) about.push(make("span", "", words.edited));
    const children = [make("span", own ? "sender own-name" : "sender", message.sender), said];
    children.push(make("div", "about", undefined, about));
    if (own && !message.deleted) {
      const acts = [button(words.edit, () => this.acts.edit(message))];
      acts.push(button(words.delete, () => this.acts.delete(message)));
      children.push(make("div", "acts", undefined, acts));
    }
    const row = make("li", own ? "own" : "other", undefined, children);
    row.dataset.id = message.id;
    return row;
  }

  #unsent(entry) {
    const about = make("div", "about", entry.refused ? words.refused(entry.refused) : words.pending);
    const children = [make("p", "text", entry.text), about];
    if (entry.refused) {
      const acts = [button(words.retry, () => this.acts.retry(entry.key))];
      acts.push(button(words.discard, () => this.acts.discard(entry.key)));
      children.push(make("div", "acts", undefined, acts));
    }
    return make("li", `own ${entry.refused ? "failed" : "pending"}`, undefined, children);
  }
}
