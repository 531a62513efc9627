/**
 * What stands in a text and is not seen in it.
 *
 * @module
 */

/**
 * Control characters, line breaks, what turns the direction of writing, halves of characters, tags
 * and selectors that texts can be smuggled in. Not what joins letters and emoji, or chooses how an
 * emoji looks.
 */
const HIDDEN = /(?![\u200c\u200d\ufe0e\ufe0f])[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u;

/** Whether the text holds anything that a reader does not see. */
export function hasHidden(text: string): boolean {
  return HIDDEN.test(text);
}

/** The text without what joins letters and chooses looks, which {@link hasHidden} lets stand. */
export function withoutJoiners(text: string): string {
  return text.replace(/[\u200c\u200d\ufe0e\ufe0f]/g, "");
}
