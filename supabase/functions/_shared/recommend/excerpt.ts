/** Of how many letters a text is read for its excerpt: enough, whatever white space is among them. */
export const lettersRead = 400;
/** An excerpt has at most so many: two lines of a card. */
const most = 200;

/** The beginning of a text: white space is one space, and what is longer ends behind a whole word, with "…". Markup is left as it is. */
export function excerptOf(text: string): string {
  const letters = [...text.replace(/\s+/gu, " ").trim()];
  if (letters.length <= most) return letters.join("");
  const cut = letters.slice(0, most - 1);
  const space = letters[cut.length] === " " ? cut.length : cut.lastIndexOf(" ");
  // a text without spaces is cut between two letters
  return `${cut
    .slice(0, space > most / 2 ? space : cut.length)
    .join("")
    .trimEnd()}…`;
}
