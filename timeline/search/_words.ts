/**
 * What a text is found by: its words, folded, and their stems.
 *
 * `Intl.Segmenter` finds the words (Unicode's rules, with dictionaries for languages that write no
 * spaces; 5 us for a caption); npm:stemmer is Porter's stemmer for English. Words of other languages
 * go through it as well where they are written in a to z: text and search meet in the same stem.
 *
 * @module
 */
import { stemmer } from "stemmer";

/** Longest part of a word that tells it from others, in UTF-16 units. */
const MAX_WORD_CHARS = 40;

const SEGMENTER = new Intl.Segmenter("en", { granularity: "word" });
const ENGLISH_LETTERS = /^[a-z]+$/;
/** What decomposing does not bring to a plain letter. */
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ı: "i",
};

/** English words that say nothing of what is to be seen; BM25's idf alone would still read them all. */
const STOP_WORDS = new Set(
  `a about am an and any are as at be been being but by can could did do does doing done else for from
  get got had has have having he her here hers him his how i if in into is it its just let me my of
  off on or our out please she so some such than that the their them then there these they this those
  to too up us very was we were what when where which while who whom whose why will with would you
  your not no nor im ive ill id isnt dont didnt doesnt wasnt cant`.split(/\s+/),
);

/** A word of a text. */
export interface Word {
  /** Lower case, without diacritics. */
  readonly text: string;
  /** Of the folded word; the word itself where it is not English. */
  readonly stem: string;
  /** Where it lies in the text, in UTF-16 units; `to` is behind it. */
  readonly from: number;
  readonly to: number;
}

/** The words of a text that say something, in order. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const { segment, index, isWordLike } of SEGMENTER.segment(text)) {
    if (!isWordLike) continue;
    const folded = fold(segment);
    if (folded === "" || STOP_WORDS.has(folded)) continue;
    words.push({ text: folded, stem: stemOf(folded), from: index, to: index + segment.length });
  }
  return words;
}

/** The stem of a folded word. */
export function stemOf(folded: string): string {
  return ENGLISH_LETTERS.test(folded) ? stemmer(folded) : folded;
}

/** The word as it is compared: "Schlüssel" and "schlussel" are one, as are "dog's" and "dog". */
function fold(word: string): string {
  const folded = word.toLowerCase().normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/['’]s$/, "")
    .replace(/[ßæœøłđı]/g, (letter) => PLAIN_LETTERS[letter]!)
    // What is left may not mean anything to the index (see _block.ts).
    .replace(/[^\p{L}\p{N}\p{M}]/gu, "")
    .normalize("NFC");
  return folded.slice(0, MAX_WORD_CHARS).toWellFormed();
}
