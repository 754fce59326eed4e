/** A title as words and signs, and back. */
import { unspaced, wordsOfRun } from "../../features/words.ts";

const part = new RegExp(
  `${unspaced}+|(?<=${unspaced}) | (?=${unspaced})|[[\\p{L}\\p{N}]--${unspaced}](?:[[\\p{L}\\p{N}\\p{M}'’.\\/\\-]--${unspaced}]*[[\\p{L}\\p{N}\\p{M}]--${unspaced}])?|[^\\s\\p{L}\\p{N}]`,
  "gv",
);
const beginsUnspaced = new RegExp(`^${unspaced}`, "v");
const endsUnspaced = new RegExp(`${unspaced}$`, "v");

/** Words with what is inside them ("re-enter", "O'Hare", "90/180"), and every other sign alone; a blank next to a word of a script without spaces is such a sign. */
export function partsOf(title: string): string[] {
  return (title.normalize("NFC").match(part) ?? []).flatMap(wordsOfRun);
}

export function isWord(part: string): boolean {
  return /^[\p{L}\p{N}]/u.test(part);
}

/** The title of some parts: signs that end a word or sentence stand right behind it, and no blank stands in a sentence without spaces. */
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
 * Whether a title may lend its form: no quotation, address, mention, mark-up, long number or list, of a length that is read at a glance.
 * What is left is a plain question or sentence.
 */
export function isPlain(title: string, parts: readonly string[]): boolean {
  return (
    parts.length >= 4 &&
    parts.length <= 14 &&
    !/[,"“”„«»()[\]{}:;@#…|*<>\\/&_=，、：；「」『』【】（）《》،؛]|www|\d{3}|\.\.|[\p{Cc}\p{Cf}]/iu.test(title)
  );
}
