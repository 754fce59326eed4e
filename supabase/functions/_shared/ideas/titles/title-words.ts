/** Splits a title into words and punctuation, and joins them again. */
import { unspaced, wordsOfRun } from "../../features/words.ts";

const part = new RegExp(
  `${unspaced}+|(?<=${unspaced}) | (?=${unspaced})|[[\\p{L}\\p{N}]--${unspaced}](?:[[\\p{L}\\p{N}\\p{M}'’.\\/\\-]--${unspaced}]*[[\\p{L}\\p{N}\\p{M}]--${unspaced}])?|[^\\s\\p{L}\\p{N}]`,
  "gv",
);
const beginsUnspaced = new RegExp(`^${unspaced}`, "v");
const endsUnspaced = new RegExp(`${unspaced}$`, "v");

/**
 * Words with their inner punctuation ("re-enter", "O'Hare", "90/180"), and each other sign alone; a space next to a
 * word of a script without spaces is such a sign.
 */
export function partsOf(title: string): string[] {
  return (title.normalize("NFC").match(part) ?? []).flatMap(wordsOfRun);
}

export function isWord(part: string): boolean {
  return /^[\p{L}\p{N}]/u.test(part);
}

/** Joins parts to a title, without spaces before closing punctuation and within scripts without spaces. */
export function titleOfParts(parts: readonly string[]): string {
  return parts.reduce(
    (title, part) =>
      title === "" ||
      /^[ ?!.,%’？！。，、：؟،؛।]/.test(part) ||
      /[ ？！。，、：]$/.test(title) ||
      beginsUnspaced.test(part) ||
      endsUnspaced.test(title)
        ? title + part
        : `${title} ${part}`,
    "",
  );
}

/**
 * Whether a title may be used as a form: a plain question or sentence of 4 to 14 parts, without quotation, address,
 * mention, mark-up, long number or list.
 */
export function isPlain(title: string, parts: readonly string[]): boolean {
  return (
    parts.length >= 4 &&
    parts.length <= 14 &&
    !/[,"“”„«»()[\]{}:;@#…|*<>\\/&_=，、：；「」『』【】（）《》،؛]|www|\d{3}|\.\.|[\p{Cc}\p{Cf}]/iu.test(title)
  );
}
