/**
 * One word of a search: where it is found, and how well.
 *
 * A word is found as it is, by its stem, and as the beginning of a word. If a wearer's captions have
 * it in none of these ways, it is taken for a slip of the finger, and looked for once more.
 *
 * @module
 */
import { firstNotBefore, listAt, STEM_MARK, type Terms } from "./_block.ts";
import { mistakesAllowed, mistakesBetween } from "./_typos.ts";
import { stemOf, type Word } from "./_words.ts";

/** How much a find counts, by how it was made. */
const AS_IT_IS = 1;
const BY_STEM = 0.9;
const AS_BEGINNING = 0.5;
const WITH_ONE_MISTAKE = 0.4;
const WITH_TWO_MISTAKES = 0.25;

/** One letter is the beginning of too much. */
const MIN_BEGINNING_CHARS = 2;

/** A word that is looked for. */
export class Sought {
  /** As the search has it. */
  readonly label: string;
  readonly #text: string;
  readonly #stem: string;
  readonly #mistakes: number;
  readonly #isBeginning: boolean;
  /** Word of a caption -> how much it counts as this one with mistakes. */
  readonly #typos = new Map<string, number>();

  constructor(word: Word, label: string) {
    this.label = label;
    this.#text = word.text;
    this.#stem = word.stem;
    this.#mistakes = mistakesAllowed(word.text);
    this.#isBeginning = word.text.length >= MIN_BEGINNING_CHARS;
  }

  /** How much each run of the block counts for this word; null: it is in none of them. */
  find(block: Terms): Float32Array | null {
    const found = new Finds(block);
    found.add(this.#text, AS_IT_IS);
    found.add(STEM_MARK + this.#stem, BY_STEM);
    // Words that are their own stem have no other entry.
    if (stemOf(this.#stem) === this.#stem) found.add(this.#stem, BY_STEM);
    if (this.#isBeginning) found.addAllThatBegin(this.#text, AS_BEGINNING);
    return found.weights;
  }

  /** As {@link find}, for words that are this one with mistakes. */
  findMistaken(block: Terms): Float32Array | null {
    const found = new Finds(block);
    if (this.#mistakes > 0) found.addAll((length) => this.#mayBe(length), (it) => this.#typo(it));
    return found.weights;
  }

  /** How much a word of a caption counts as this one; 0: it is another. */
  rate({ text, stem }: Word): number {
    if (text === this.#text) return AS_IT_IS;
    if (stem === this.#stem) return BY_STEM;
    if (this.#isBeginning && text.startsWith(this.#text)) return AS_BEGINNING;
    return this.#typos.get(text) ?? 0;
  }

  #mayBe(length: number): boolean {
    return Math.abs(length - this.#text.length) <= this.#mistakes;
  }

  /** Blocks repeat each other's words, so each is compared once. */
  #typo(word: string): number {
    let weight = this.#typos.get(word);
    if (weight === undefined) {
      const mistakes = mistakesBetween(this.#text, word, this.#mistakes);
      weight = [AS_IT_IS, WITH_ONE_MISTAKE, WITH_TWO_MISTAKES][mistakes] ?? 0;
      if (mistakes > this.#mistakes) weight = 0;
      this.#typos.set(word, weight);
    }
    return weight;
  }
}

/** What was found of one word in one block. */
class Finds {
  readonly #block: Terms;
  weights: Float32Array | null = null;

  constructor(block: Terms) {
    this.#block = block;
  }

  add(term: string, weight: number): void {
    const { words } = this.#block;
    const at = firstNotBefore(words, term);
    if (words.startsWith(`${term}\t`, at)) this.#addList(at + term.length + 1, weight);
  }

  addAllThatBegin(beginning: string, weight: number): void {
    const { words } = this.#block;
    let at = firstNotBefore(words, beginning);
    while (words.startsWith(beginning, at)) {
      const tab = words.indexOf("\t", at);
      this.#addList(tab + 1, weight);
      at = words.indexOf("\n", tab) + 1;
    }
  }

  /** All words of a length that may be, by what each counts. */
  addAll(mayBe: (length: number) => boolean, weightOf: (word: string) => number): void {
    const { words } = this.#block;
    for (let start = 1; start < words.length;) {
      const tab = words.indexOf("\t", start);
      if (mayBe(tab - start) && words[start] !== STEM_MARK) {
        const weight = weightOf(words.slice(start, tab));
        if (weight > 0) this.#addList(tab + 1, weight);
      }
      start = words.indexOf("\n", tab) + 1;
    }
  }

  #addList(offsetAt: number, weight: number): void {
    const { words, runCount } = this.#block;
    const weights = this.weights ??= new Float32Array(runCount);
    for (const run of listAt(this.#block, words.slice(offsetAt, words.indexOf("\n", offsetAt)))) {
      if (weights[run]! < weight) weights[run] = weight;
    }
  }
}
