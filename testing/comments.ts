/** The prose of the code: comments of TypeScript and SQL, and descriptions of the API, for the tests of its words. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ParserPlugin, parse } from "@babel/parser";

/** A text that people read, and the line of its file on which it begins, from 1. */
export interface Prose {
  kind: "comment" | "jsdoc" | "sql comment" | "description";
  text: string;
  line: number;
}

const lineOf = (code: string, index: number) => code.slice(0, index).split("\n").length;

/** The text of a comment without its stars; its lines stay. */
const withoutStars = (comment: string) =>
  comment
    .split("\n")
    .map((line) => line.replace(/^\s*\*? ?/, "").trimEnd())
    .join("\n")
    .trim();

/** Comments of TypeScript; line comments that follow each other are one. */
function proseOfTypeScript(code: string, isReact: boolean): Prose[] {
  const plugins: ParserPlugin[] = isReact ? ["typescript", "jsx"] : ["typescript"];
  const { comments } = parse(code, { sourceType: "module", plugins, errorRecovery: true });
  const found: (Prose & { lastLine: number; isLine: boolean })[] = [];
  for (const comment of comments ?? []) {
    const { start, end } = comment.loc as { start: { line: number }; end: { line: number } };
    const isLine = comment.type === "CommentLine";
    const previous = found.at(-1);
    if (isLine && previous?.isLine && previous.lastLine === start.line - 1) {
      previous.text += `\n${comment.value.trim()}`;
      previous.lastLine = end.line;
      continue;
    }
    const isDoc = !isLine && comment.value.startsWith("*");
    const text = isLine ? comment.value.trim() : withoutStars(comment.value.replace(/^\*/, ""));
    found.push({ kind: isDoc ? "jsdoc" : "comment", text, line: start.line, lastLine: end.line, isLine });
  }
  const descriptions = Array.from(code.matchAll(/\b(?:description|summary): *(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g));
  return [
    ...found.map(({ kind, text, line }) => ({ kind, text, line })),
    ...descriptions.map((match) => ({
      kind: "description" as const,
      text: match[1] ?? match[2] ?? "",
      line: lineOf(code, match.index),
    })),
  ];
}

/** Comments on objects, and comments between statements; those within a text (`'…'`) are code. */
function proseOfSql(code: string): Prose[] {
  const objects = Array.from(code.matchAll(/^\s*comment on [^;']*? is\s+'((?:[^']|'')*)'/gm), (match) => ({
    kind: "sql comment" as const,
    text: match[1].replaceAll("''", "'"),
    line: lineOf(code, match.index + match[0].search(/\S/)),
  }));
  const lines = Array.from(code.matchAll(/^\s*((?:--[^\n]*\n\s*)+)/gm), (match) => ({
    kind: "comment" as const,
    text: match[1].replaceAll(/^\s*-- ?/gm, "").trim(),
    line: lineOf(code, match.index + match[0].search(/\S/)),
  }));
  return [...objects, ...lines];
}

/** The prose of a file, in the order of its lines. */
export function proseOf(file: string, code: string): Prose[] {
  const found = file.endsWith(".sql") ? proseOfSql(code) : proseOfTypeScript(code, file.endsWith(".tsx"));
  return found.sort((a, b) => a.line - b.line);
}

/** Marks of a comment that may be long: a list, a formula, an example, or a rule that the code must keep. */
const mayBeLong = /^\s*(?:[-*]|\d+\.) |[=·∑√≤≥]|@example|\binvariant\b|\bmust (?:not|stay|hold)\b/im;

const banned: [RegExp, string][] = [
  [/\bwhoever\b/i, "the noun: a user, an operator, the caller"],
  [/\b(?:no|any|some)body\b/i, "the noun, or no user, any user"],
  [/(?:^|[.:;,] )(?:of|as) wh(?:at|om|ich)\b/im, "a subject, a verb, an object"],
  [/(?<![\w.)\]}$/\\-])\.\d/, "a zero before the point"],
  [/\banew\b/i, "again, from scratch"],
  [/\bc(?:ame|omes?) (?:to|into view)\b/i, "interacted with, saw"],
];

/** Returns the faults of a text by the rules of CONTRIBUTING.md, each with what to write; [] if there are none. */
export function faultsOfProse({ kind, text }: Prose): string[] {
  const plain = text.replaceAll(/`[^`]*`/g, "`code`");
  const faults = banned.flatMap(([pattern, instead]) => {
    const [word] = pattern.exec(plain) ?? [];
    return word === undefined ? [] : [`"${word.trim()}", in place of ${instead}`];
  });
  if (kind === "sql comment" && text.length > 300) faults.push(`${text.length} characters, more than 300`);
  if (kind === "jsdoc" && text.split("\n").length > 2 && !mayBeLong.test(text))
    faults.push(`${text.split("\n").length} lines, more than 2`);
  return faults;
}

/** The files whose prose is read, from the root of the repository. */
export function filesWithProse(root: string): string[] {
  const folders = "{adopt,bench,cli,client,cluster,db,examples,release,serve,supabase,testing,trainer,web}";
  return globSync([`${folders}/**/*.{ts,tsx}`, "supabase/{schemas/**/*,upgrade}.sql"], { cwd: root })
    .filter(
      (file) =>
        !/node_modules|\.generated\.|database\/schema\.ts|client\/src\/types\.ts|\/dist\/|\.recsys|\.next/.test(file),
    )
    .sort();
}

/** The faults of the files below `paths`, each a line of text; of all files where there are no paths. */
export function faultsOfFiles(root: string, paths: string[] = []): string[] {
  return filesWithProse(root)
    .filter((file) => paths.length === 0 || paths.some((path) => file.startsWith(path)))
    .flatMap((file) =>
      proseOf(file, readFileSync(join(root, file), "utf8")).flatMap((prose) =>
        faultsOfProse(prose).map((fault) => `${file}:${prose.line}: ${fault}`),
      ),
    );
}

/** `node testing/comments.ts PATH…` prints the faults of the files below those paths. */
if (import.meta.main) {
  const faults = faultsOfFiles(join(import.meta.dirname, ".."), process.argv.slice(2));
  console.log([...faults, `${faults.length} faults`].join("\n"));
}
