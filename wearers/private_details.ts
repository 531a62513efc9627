/**
 * What a wearer reads in passing and nobody should remember: other people's phone numbers, cards and
 * e-mail addresses.
 *
 * Told by their shape alone. A library that knows which numbers are in use would let through those
 * that the model misread by a digit, and those of a country that it was not told.
 *
 * @module
 */

/** Also full-width and Arabic digits: a model writes what the sign shows. */
const DIGIT = String.raw`\p{Nd}`;
const SEPARATOR = String.raw`[\p{Zs}\p{Pd}().·/]`;
/** Long enough for a number without its area code. */
const MIN_PHONE_DIGITS = 7;
/** National numbers are shorter; international ones, which begin with a plus, may be longer. */
const MIN_CARD_DIGITS = 13;

const DATE = String.raw`(?:${DIGIT}{4}-${DIGIT}{2}-${DIGIT}{2}` +
  String.raw`|${DIGIT}{1,2}([./])${DIGIT}{1,2}\1${DIGIT}{4}` +
  String.raw`|(?:19|20)${DIGIT}{2}\p{Pd}(?:19|20)${DIGIT}{2})(?!${DIGIT})`;
/** A bracket that is closed before the number's end belongs to it. */
const AREA_BRACKET = String.raw`(?:\((?=${DIGIT}{1,6}\)${SEPARATOR}{0,2}${DIGIT}))?`;
const NUMBER = String.raw`\+?${AREA_BRACKET}${DIGIT}` +
  `(?:${SEPARATOR}{0,3}${DIGIT}){${MIN_PHONE_DIGITS - 1},}`;
/** Dates go first, and are left alone. */
const DATE_OR_NUMBER = new RegExp(`${DATE}|${NUMBER}`, "gu");

/** Of limited length in all parts, so that no text takes long to search. */
const EMAIL = /[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu;
const DIGITS = new RegExp(DIGIT, "gu");
const IS_DATE = new RegExp(`^${DATE}$`, "u");

/**
 * The text with `[phone]`, `[card]` and `[email]` in place of what looks like one. Numbers of fewer
 * than seven digits stay, and so do dates and years.
 */
export function hidePrivateDetails(text: string): string {
  return text.replace(EMAIL, "[email]").replace(DATE_OR_NUMBER, nameOf);
}

function nameOf(found: string): string {
  if (IS_DATE.test(found)) return found;
  const digits = found.match(DIGITS)!.length;
  return digits >= MIN_CARD_DIGITS && !found.startsWith("+") ? "[card]" : "[phone]";
}
