/** A title as words and signs, and back. */

/** Words with what is inside them ("re-enter", "O'Hare", "90/180"), and every other sign alone. */
export function partsOf(title: string): string[] {
  return title.match(/[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}'’./-]*[\p{L}\p{N}\p{M}])?|[^\s\p{L}\p{N}]/gu) ?? [];
}

export function isWord(part: string): boolean {
  return /^[\p{L}\p{N}]/u.test(part);
}

/** The title of some parts: signs that end a word or sentence stand right behind it. */
export function titleOf(parts: readonly string[]): string {
  return parts.reduce(
    (title, part) => (title === "" || /^[?!.,%’]/.test(part) ? title + part : `${title} ${part}`),
    "",
  );
}

/**
 * Whether a title may lend its form: no quotation, address, mention, mark-up, long number or list, of a length that is read at a glance.
 * What is left is a plain question or sentence.
 */
export function isPlain(title: string, parts: readonly string[]): boolean {
  return (
    parts.length >= 4 &&
    parts.length <= 14 &&
    !/[,"“”„«»()[\]{}:;@#…|*<>\\/&_=]|www|\d{3}|\.\.|[\p{Cc}\p{Cf}]/iu.test(title)
  );
}
