// Where one writes: a new message, or an own one anew.

import { words } from "./words.js";

const MOST_CHARACTERS = 4_000;

const element = (id) => document.getElementById(id);
const text = element("text");

/** What is counted and sent: the server trims and normalises alike. */
const tidy = (raw) => raw.trim().normalize("NFC");

export class Composer {
  #editing;

  /** `draft`: under which name what is not said yet is kept. `say(text)`; `edit(id, text)`, which may fail. */
  constructor(draft, signal, { say, edit }) {
    Object.assign(this, { draft, say, edit });
    const on = (target, event, handler) => target.addEventListener(event, handler, { signal });
    on(element("composer"), "submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    // The keyboard of a phone stays where it is.
    on(element("send"), "mousedown", (event) => event.preventDefault());
    on(text, "keydown", (event) => this.#key(event));
    on(text, "input", () => this.#count());
    on(element("stop-editing"), "click", () => this.begin(undefined));
    element("editing").hidden = true;
    this.#write(this.#kept);
  }

  /** Takes a message of one's own to write it anew, or, without one, goes on where one was before. */
  begin(message) {
    if (!message && !this.#editing) return;
    this.#editing = message;
    element("editing").hidden = !message;
    this.#write(message?.text ?? this.#kept);
    text.focus();
  }

  get #kept() {
    return sessionStorage.getItem(this.draft) ?? "";
  }

  #key(event) {
    // While Hangul is being composed, every key belongs to the syllable. Safari says so by the number alone.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
    if (event.key === "Escape") this.begin(undefined);
  }

  async #submit() {
    const said = tidy(text.value);
    if (!said || [...said].length > MOST_CHARACTERS) return;
    text.focus();
    const editing = this.#editing;
    if (!editing) {
      this.#write("");
      return this.say(said);
    }
    this.begin(undefined);
    if ((await this.edit(editing.id, said)) || this.#editing) return;
    // Nothing that was written is lost; nor is what was begun meanwhile, which is kept as the draft.
    this.begin(editing);
    this.#write(said);
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
}
