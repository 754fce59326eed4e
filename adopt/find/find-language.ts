/** Where the language of a post is: in a column of its own, or in the row of a table of languages that it names. */
import type { Column, Table } from "../catalog/catalog.ts";
import { pickColumn } from "../catalog/pick-columns.ts";
import type { Joined } from "../catalog/references.ts";
import { columns, plainName, tableWords } from "../catalog/words.ts";
import type { KnownApp } from "./find-people.ts";

/** A column with a code such as en, of the post itself or of the row that it names. */
export interface Language {
  code: Column;
  of?: Joined;
}

export function languageOf({ references }: KnownApp, posts: Table): Language | undefined {
  const own = pickColumn(posts, columns.language, ["text", "enum"]);
  if (own) return { code: own };
  for (const { to, column, key } of references.others(posts)) {
    const isNamed = /^(language|lang|locale)(_(id|code))?$/.test(plainName(column.name));
    if (!isNamed || !/^(language|lang|locale)$/.test(tableWords(to.name).at(-1) ?? "")) continue;
    const code = pickColumn(to, columns.languageCode, ["text", "enum"]);
    const isSecret = posts.membersMayReadSome && !to.membersMayReadSome;
    if (code && !isSecret) return { code, of: { table: to, key, by: column } };
  }
  return undefined;
}
