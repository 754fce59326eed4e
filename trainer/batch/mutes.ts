/**
 * Mutes for batch lists: a muted post is left out when a list is served, so lists without them make full pages. The database returns a page
 * of users' mutes; posts are matched in memory, which takes 2 ms a list, where SQL took 0.3 s a user. Serving checks once more.
 */
import { type Expression, type RawBuilder, sql } from "kysely";
import type { Database } from "../../db/connect.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { anyOf, db, fn } from "../../supabase/functions/_shared/database/query.ts";
import { containsAny, folded, foldedParts } from "../../supabase/functions/_shared/features/words.ts";
import type { Community } from "../data/replay/community.ts";

/** What a user muted, as recsys_engine.mutes_only_request reads it. */
export interface Mutes {
  /** Ids of authors. */
  people: string[];
  /** Tags in small letters. */
  topics: string[];
  words: string[];
  /** In small letters: may stand nowhere in a title. */
  inTitles: string[];
  /** In small letters: may stand nowhere in a description. */
  inDescriptions: string[];
}

/** Of those users who muted anything. */
export async function readMutes({ pool }: Database, userIds: string[]): Promise<Map<string, Mutes>> {
  const numbered = db
    .selectFrom("recsys.source_mutes")
    .select([
      "user_id",
      "kind",
      "value",
      sql<number>`row_number() over (partition by user_id, kind order by value)`.as("number"),
    ])
    .where("user_id", "=", anyOf(userIds));
  const muted = db
    .selectFrom(numbered.as("numbered"))
    .where("number", "<=", sql<number>`case kind when 'person' then 10000 else 100 end`)
    .groupBy("user_id")
    .select((row) => {
      const value = row.ref("value");
      const all = (what: RawBuilder<string> | Expression<string>, where: RawBuilder<boolean>) =>
        sql<string[]>`coalesce(array_agg(${what}) filter (where ${where}), '{}')`;
      const part = sql<string>`${fn("recsys_engine.muted_part", { p_value: value })}`;
      return [
        "user_id",
        all(sql`${value}::uuid::text`, sql`kind = 'person' and pg_input_is_valid(${value}, 'uuid')`).as("people"),
        all(sql`lower(left(${value}, 100))`, sql`kind = 'topic'`).as("topics"),
        all(sql`left(${value}, 100)`, sql`kind = 'word' and ${value} ~ '\\S'`).as("words"),
        all(part, sql`kind in ('contains', 'title_contains') and ${part} is not null`).as("inTitles"),
        all(part, sql`kind = 'contains' and ${part} is not null`).as("inDescriptions"),
      ];
    });
  const rows = await run(pool, muted);
  return new Map(rows.map((row) => [row.user_id, row]));
}

/** Posts by what a user may mute. Each index is made when it is first asked for: most people mute nothing. */
export class MutedPosts {
  private readonly community: Community;
  private byAuthor: Index | undefined;
  private byTag: Index | undefined;
  private byWord: Index | undefined;

  constructor(community: Community) {
    this.community = community;
  }

  /**
   * Whether a text that a user muted occurs in a post. Asked of candidates alone: a search in all posts would cost
   * too much.
   */
  contains(post: number, { inTitles, inDescriptions }: Mutes): boolean {
    const { titles, descriptions } = this.community.posts;
    return containsAny(titles[post], inTitles) || containsAny(descriptions[post], inDescriptions);
  }

  /** The numbers of the posts whose author, topic or word a user muted. */
  of({ people, topics, words }: Mutes): Set<number> {
    const { users, posts } = this.community;
    const muted = new Set<number>();
    const mute = (found: Iterable<number> = []) => {
      for (const post of found) muted.add(post);
    };
    if (people.length > 0) this.byAuthor ??= this.indexed((post) => [users.ids[posts.authors[post]] ?? ""]);
    for (const person of people) mute(this.byAuthor?.get(person));
    if (topics.length > 0) this.byTag ??= this.indexed((post) => posts.tags[post].map((tag) => tag.toLowerCase()));
    for (const topic of topics) mute(this.byTag?.get(topic));
    if (words.length > 0) mute(this.withOneOf(words));
    return muted;
  }

  /** Posts in whose title or tags one of the words stands with neither letter nor digit next to it. */
  private *withOneOf(words: string[]): Iterable<number> {
    this.byWord ??= this.indexed((post) => foldedParts(this.textOf(post)));
    const index = this.byWord;
    // those of several parts, or with other signs, have to be looked for; however many they are, each post is looked at once
    const odd: string[] = [];
    const candidates = new Set<number>();
    for (const word of words.map((each) => trimmed(folded(withoutControls(each))))) {
      if (word === "") continue;
      const parts = foldedParts(word);
      const found = parts.map((part) => index.get(part) ?? []).sort((a, b) => a.length - b.length);
      // a post with the word has every part of it; of C++ that is c, and of ... there is none
      const rarest: Iterable<number> = found[0] ?? this.community.posts.ids.keys();
      if (parts[0] === word) yield* rarest;
      else {
        odd.push(literal(word));
        for (const post of rarest) candidates.add(post);
      }
    }
    if (odd.length === 0) return;
    const expression = new RegExp(`(?:^|${other})(?:${odd.join("|")})(?:${other}|$)`, "u");
    for (const post of candidates) if (expression.test(this.textOf(post))) yield post;
  }

  private textOf(post: number): string {
    const { titles, tags } = this.community.posts;
    // as recsys_engine.text_for_mutes(), whose sign is there without any tag, too
    const said = [titles[post].replaceAll("\f", " "), tags[post].join("\f")].join("\f");
    return folded(withoutControls(said).replaceAll("\f", "\u001f"));
  }

  private indexed(keysOf: (post: number) => string[]): Index {
    const index: Index = new Map();
    for (const post of this.community.posts.ids.keys())
      for (const key of new Set(keysOf(post))) {
        const known = index.get(key);
        if (known) known.push(post);
        else index.set(key, [post]);
      }
    return index;
  }
}

/** The numbers of the posts that have something. */
type Index = Map<string, number[]>;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is meant
const controls = /[\u0001-\u0008\u000e-\u001f\u007f-\u009f]+/g;

/** As recsys_engine.without_controls(). */
const withoutControls = (text: string) => text.replaceAll("\u0085", " ").replace(controls, "");

/** As recsys_engine.word_separator_class(). */
const other = "[^\\p{L}\\p{N}\\p{M}]";

function trimmed(word: string): string {
  return word.replace(/^[ \t\r\n\f\v]+|[ \t\r\n\f\v]+$/g, "");
}

/** The expression that finds a word as it is written; any space within is as good as another. */
function literal(word: string): string {
  return word.replace(/[\][(){}.*+?|^$\\/]/g, "\\$&").replace(/[ \t\r\n\f\v]+/g, "\\s+");
}
