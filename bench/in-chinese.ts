/**
 * A community in Chinese: the bundle of one in English, each word of which is another Chinese word, written without spaces.
 * `npm run bench -- in-chinese FOLDER OUT`, then `evaluate --data` of both: what is found in one should be found in the other. The words
 * are all of two common characters (GB 2312, level 1) that the dictionary of Intl.Segmenter knows. The oftener an English word stands
 * there, the less its Chinese word runs into those beside it, as in a language that people speak. The rarest are compounds of two words.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { wordsOfRun } from "../supabase/functions/_shared/features/words.ts";
import { Random } from "../trainer/engine/random.ts";

const [from, to] = process.argv.slice(2);
if (!from || !to) throw new Error("usage: npm run bench -- in-chinese FOLDER OUT");

/** How many neighbours a word is tried between. */
const tries = 12;
const word = /(?=\p{N}*\p{L})[\p{L}\p{N}\p{M}]+/gu;
const texts = { users: ["passions", "projects", "bio"], posts: ["title", "description", "tags"] } as const;

const tables = { users: await read("users"), posts: await read("posts") };
const counts = new Map<string, number>();
for (const [name, fields] of Object.entries(texts))
  for (const row of tables[name as keyof typeof texts])
    for (const field of fields)
      for (const text of [row[field] ?? ""].flat())
        for (const [each] of String(text).matchAll(word))
          counts.set(each.toLowerCase(), (counts.get(each.toLowerCase()) ?? 0) + 1);
const chinese = dictionaryWords();
const meaning = new Map<string, string>();
for (const [english] of [...counts].sort((a, b) => b[1] - a[1])) {
  const i = meaning.size;
  const compound = () =>
    chinese[i % chinese.length] + chinese[(i * 7919 + Math.floor(i / chinese.length)) % chinese.length];
  meaning.set(english, chinese[i] ?? compound());
}
await mkdir(to, { recursive: true });
for (const [name, fields] of Object.entries(texts)) {
  const rows = tables[name as keyof typeof texts].map((row) => ({
    ...row,
    ...Object.fromEntries(
      fields.map((field) => [field, Array.isArray(row[field]) ? row[field].map(inChinese) : inChinese(row[field])]),
    ),
  }));
  await writeFile(join(to, `${name}.ndjson.gz`), gzipSync(rows.map((row) => JSON.stringify(row)).join("\n")));
}
for (const name of ["interactions", "logins", "impressions", "follows"]) {
  const rows = await readFile(join(from, `${name}.ndjson.gz`)).catch(() => null);
  if (rows) await writeFile(join(to, `${name}.ndjson.gz`), rows);
}
console.log(`${meaning.size} words, ${Math.min(chinese.length, meaning.size)} of the dictionary's ${chinese.length}`);

function inChinese(text: unknown): unknown {
  if (typeof text !== "string") return text;
  const signs: Record<string, string> = { ",": "，", "?": "？", "!": "！", ".": "。", ":": "：" };
  return text
    .replace(/[,?!.:](?=\s|$)/g, (sign) => signs[sign])
    .replace(word, (each) => meaning.get(each.toLowerCase()) ?? each)
    .replace(/(?<=[\p{sc=Han}，？！。：]) +| +(?=\p{sc=Han})/gu, "");
}

/** Those that run least into others first. */
function dictionaryWords(): string[] {
  const decoder = new TextDecoder("gb2312");
  const characters: string[] = [];
  for (let row = 0xb0; row <= 0xd7; row++)
    for (let cell = 0xa1; cell <= (row === 0xd7 ? 0xf9 : 0xfe); cell++)
      characters.push(decoder.decode(Uint8Array.of(row, cell)));
  const found = characters.flatMap((first) =>
    wordsOfRun(characters.map((second) => first + second).join("。")).filter((each) => each.length === 2),
  );
  const random = new Random(1);
  const neighbour = () => found[random.below(found.length)];
  const whole = new Map<string, number>();
  for (const each of found) {
    let count = 0;
    for (let i = 0; i < tries; i++) if (wordsOfRun(neighbour() + each + neighbour()).includes(each)) count++;
    whole.set(each, count);
  }
  return random.shuffle(found).sort((a, b) => (whole.get(b) ?? 0) - (whole.get(a) ?? 0));
}

async function read(name: string): Promise<Record<string, unknown>[]> {
  const lines = gunzipSync(await readFile(join(from, `${name}.ndjson.gz`))).toString();
  return lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}
