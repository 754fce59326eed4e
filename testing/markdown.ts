/** For the site of the documentation, and for tests of what it says: headings and sentences of a Markdown page. */

/** The anchor of a heading, as GitHub makes it: the site has the same, so that a link works in both. */
export function slugOf(heading: string): string {
  const text = heading.replaceAll(/`|\*/g, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

const withoutCode = (page: string) => page.replaceAll(/^( *)```.*?^\1```$/gms, "");

/** The anchors of a page. */
export function anchorsOf(page: string): Set<string> {
  return new Set(Array.from(withoutCode(page).matchAll(/^#+ (.*)$/gm), ([, heading]) => slugOf(heading)));
}

/** Where the links and pictures of a page lead. */
export function linksOf(page: string): string[] {
  return Array.from(withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link);
}

/** What is read as one text: paragraphs, items of lists, headings, cells of tables. */
function textsOf(page: string): string[] {
  return withoutCode(page)
    .replaceAll(/^\s*(?:[-*]|\d+\.) +|^#+ /gm, "\n\n")
    .split(/\n\s*\n/)
    .flatMap((text) => (/^\s*\|/.test(text) ? text.split(/(?<!\\)\||\n/) : [text]))
    .map((text) => text.replaceAll(/\s+/g, " ").trim())
    .filter((text) => /\p{L}/u.test(text));
}

/** The sentences of a page, without the marks of Markdown; what stands in backquotes is one word. */
export function sentencesOf(page: string): string[] {
  return textsOf(page).flatMap((text) =>
    text
      .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/`[^`]*`/g, "`code`")
      .replaceAll(/\*+/g, "")
      .split(/(?<=[.!?][")]*) (?=["(]*(?:\p{Lu}|\p{N}|`))/u),
  );
}

/** How many words a text has: signs that stand alone are none. */
export const wordsIn = (text: string): number => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
