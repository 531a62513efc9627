/**
 * When two captions say the same. A model hardly ever repeats itself word for word about a scene
 * that stays the same, and hardly ever means the same when it changes a word of a short sentence.
 *
 * @module
 */

/**
 * So much of the words that either caption has must be in both. At 0.85 one word more is the same
 * from six words on, one word exchanged for another from thirteen: "the light is red" and "the light
 * is green" are two things, a long description with one adjective changed is one.
 */
export const SAME_WORDS = 0.85;

/** Words that carry nothing: with or without them a caption says the same. */
const FILLERS = new Set(["a", "an", "the", "is", "are", "there", "and", "of", "this", "that"]);
/** One of these more or less turns a caption round, however long it is. */
const DECISIVE = /^(?:\p{N}+|no|not|nobody|nothing|none|never|without|\p{L}+n't)$/u;

/** Whether both say the same. It does not matter which is which. */
export function saysTheSame(one: string, other: string): boolean {
  if (one === other) return true;
  const [ours, theirs] = [wordsOf(one), wordsOf(other)];
  const different = ours.symmetricDifference(theirs);
  if (different.size === 0) return true;
  if ([...different].some((word) => DECISIVE.test(word))) return false;
  return ours.intersection(theirs).size / ours.union(theirs).size >= SAME_WORDS;
}

/** The words that count, without regard to case and punctuation. */
function wordsOf(caption: string): Set<string> {
  const plain = caption.normalize("NFKC").toLowerCase().replaceAll("’", "'");
  const words: string[] = plain.match(/\p{N}+|[\p{L}\p{M}]+(?:'\p{L}+)?/gu) ?? [];
  const telling = words.filter((word) => !FILLERS.has(word));
  // Of "This is it." something must be left, and of "?!" too.
  return new Set(telling.length > 0 ? telling : words.length > 0 ? words : [plain.trim()]);
}
