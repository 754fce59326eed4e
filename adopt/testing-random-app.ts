/**
 * Makes unusual apps for a test: random tables, columns, keys and rows, with the names that the draft looks for and
 * worse ones.
 */
import fc from "fast-check";
import { identifier, literal } from "./catalog/quote.ts";

const tableNames =
  "users profiles accounts people posts statuses stories topics comments likes votes post_votes reads views bookmarks reactions events blocks mutes logins sessions tags post_tags taggings channels messages User BlogPost order group table who whom first tagged tag word done muted dismissed kinds liked account filter named comment_likes blocked_tags custom_filters login_tokens follows followed named club_followers follow_requests memberships".split(
    " ",
  );
const columnNames =
  "id user_id author_id account_id target_account_id post_id comment_id filter_id local_user_id status_id parent_id in_reply_to_id reblog_of_id rootid userid createdAt created_at published published_at updated_at deleted_at deleteat hidden_at is_deleted visible state status kind type reaction value vote rating title name body content text bio tags interests tag tag_id word success expires_at slug language likeable_type likeable_id read_at saved_at number post_number visibility select user when created deleted auth_id follower_id followed_id follower_type followable_type followable_id club_id followed_at followed pending blocked".split(
    " ",
  );
/** Names that would end a comment, a text or an identifier where they were written as they are. */
const worse = [
  'a"b',
  "it's",
  "x\n; drop table canary; --",
  "*/ drop table canary",
  "$$",
  "ünï cödé",
  "{a,b}",
  "\\",
  "null",
  "%s %I",
];

const types =
  "uuid integer bigint smallint text varchar(20) char(5) timestamptz timestamp date boolean numeric real json jsonb text[] varchar[] integer[] bytea point some_state some_text some_id".split(
    " ",
  );

/** Types that are likely for a column of that name; `id`: that of the app's ids. */
function likelyTypes(name: string, id: string): string[] {
  if (name === "auth_id") return ["uuid"];
  if (/^(pending|blocked)$/.test(name)) return ["boolean"];
  if (/(^|_)(id|by)$|[a-z]id$|^author$|^user$/.test(name)) return [id];
  if (/(_at|At|eat|^at|^published|^created|^deleted)$/.test(name))
    return ["timestamptz", "timestamp", "date", "bigint", "integer"];
  if (/^(title|name|body|content|text|bio|tag|slug|language|kind|type|status|state|reaction)$|_type$/.test(name))
    return ["text", "varchar(20)", "some_text", "some_state", "jsonb"];
  return types;
}

/** Columns with which a table is what its name says. */
const core: Record<string, string> = {
  users: "id name bio created_at auth_id",
  posts: "id author_id title body created_at deleted_at",
  statuses: "id account_id text in_reply_to_id reblog_of_id created_at",
  topics: "id user_id title club_id created_at",
  comments: "id user_id post_id body created_at number",
  likes: "id user_id likeable_type likeable_id created_at",
  votes: "user_id post_id comment_id value created_at",
  reads: "user_id status_id read_at saved_at hidden_at",
  reactions: "id user_id post_id kind created_at",
  comment_likes: "user_id comment_id value created_at",
  blocks: "user_id target_account_id created_at",
  tag_filters: "user_id tag_id created_at",
  follows: "follower_id followed_id state created_at",
  followings: "id follower_type follower_id followable_type followable_id",
  tag_follows: "user_id tag_id pending followed_at",
  club_followers: "club_id user_id blocked",
  clubs: "id name",
  memberships: "club_id user_id",
  filters: "id user_id name expires_at",
  filter_words: "filter_id word created_at",
  logins: "id user_id created_at",
  local_users: "id user_id email",
  login_tokens: "id local_user_id success created_at",
  post_tags: "post_id tag_id",
  tags: "id name",
};

interface RandomColumn {
  name: string;
  type: string;
  notNull: boolean;
  unique: boolean;
}

interface RandomTable {
  schema: "public" | "Other Schema";
  name: string;
  columns: RandomColumn[];
  key: number;
  references: { column: number; table: number }[];
  /** Whether columns such as post_id have the foreign key that their name says. */
  bound: boolean;
  rowSecurity: "off" | "none" | "all" | "own";
  partitioned: boolean;
}

const columnName = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...columnNames) }, fc.constantFrom(...worse));

const column = (name: string, id: string) =>
  fc.record<RandomColumn>({
    name: fc.constant(name),
    type: fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...likelyTypes(name, id)) }, fc.constantFrom(...types)),
    notNull: fc.boolean(),
    unique: fc.boolean(),
  });

const anyName = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...Object.keys(core)) },
  { weight: 5, arbitrary: fc.constantFrom(...tableNames) },
  fc.constantFrom(...worse),
);

const table = (id: string, ofName: fc.Arbitrary<string>) =>
  fc
    .record({
      name: ofName,
      others: fc.array(columnName, { maxLength: 4 }),
    })
    .chain(({ name, others }) => {
      const names = [...new Set([...(core[name]?.split(" ") ?? ["id"]), ...others])];
      return fc.record<RandomTable>({
        schema: fc.constantFrom("public", "public", "public", "Other Schema"),
        name: fc.constant(name),
        columns: fc.tuple(...names.map((name) => column(name, id))),
        key: fc.constantFrom(0, 0, 0, 0, -1, 1),
        references: fc.array(fc.record({ column: fc.nat(6), table: fc.nat(7) }), { maxLength: 3 }),
        bound: fc.boolean(),
        rowSecurity: fc.constantFrom("off", "none", "all", "own"),
        partitioned: fc.constantFrom(false, false, false, true),
      });
    });

/** Tables that mean something only together. */
const pairs = [
  ["comments", "comment_likes"],
  ["comments", "likes"],
  ["filters", "filter_words"],
  ["local_users", "login_tokens"],
  ["tags", "post_tags", "tag_filters"],
  ["tags", "post_tags", "tag_follows", "follows"],
  ["clubs", "club_followers", "followings", "memberships"],
];

export const randomApp = fc
  .constantFrom("uuid", "bigint", "integer", "text", "varchar(20)", "char(5)", "some_id")
  .chain((id) => {
    const some = (...names: string[]) => fc.constantFrom(...names).chain((name) => table(id, fc.constant(name)));
    return fc.tuple(
      some("users"),
      some("posts", "statuses", "topics"),
      fc.array(table(id, anyName), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...pairs).chain((names) => fc.tuple(...names.map((name) => table(id, fc.constant(name))))),
      fc.constantFrom(0, 0, 0, 1, 2),
    );
  })
  .map(([users, posts, others, pair, without]) => {
    const tables = [users, posts].slice(without).concat(pair, others);
    const named = new Map(tables.map((table) => [`${table.schema}.${table.name}`, table]));
    return [...named.values()].flatMap(statementsOf);
  });

/** Each may fail, as a reference between two types does; then the app is without it. */
function statementsOf(table: RandomTable, _: number, tables: RandomTable[]): string[] {
  const name = `${identifier(table.schema)}.${identifier(table.name)}`;
  const keyed = table.columns[table.key];
  const columns = table.columns.map(
    ({ name, type, notNull, unique }) =>
      `${identifier(name)} ${type}${notNull ? " not null" : ""}${unique && !table.partitioned && hasOrder(type) ? " unique" : ""}`,
  );
  const key = keyed && hasOrder(keyed.type) ? [`primary key (${identifier(keyed.name)})`] : [];
  const byRange = table.partitioned && key.length > 0;
  return [
    `create table ${name} (${[...columns, ...key].join(", ")})${byRange ? ` partition by range (${identifier(keyed.name)})` : ""}`,
    ...(byRange
      ? [`create table ${identifier(table.schema)}.${identifier(`${table.name} default`)} partition of ${name} default`]
      : []),
    ...(table.bound ? table.columns : []).flatMap((column) =>
      tables
        .filter((to) => column.name === `${to.name.replace(/s$/, "")}_id`)
        .map(
          (to) =>
            `alter table ${name} add foreign key (${identifier(column.name)}) references ${identifier(to.schema)}.${identifier(to.name)}`,
        ),
    ),
    ...table.references.flatMap(({ column, table: place }) => {
      const from = table.columns[column];
      const to = tables[place];
      if (!from || place > tables.length) return [];
      if (!to) return [`alter table ${name} add foreign key (${identifier(from.name)}) references auth.users`];
      return [
        `alter table ${name} add foreign key (${identifier(from.name)}) references ${identifier(to.schema)}.${identifier(to.name)}`,
      ];
    }),
    ...(table.rowSecurity === "off" ? [] : [`alter table ${name} enable row level security`]),
    ...(table.rowSecurity === "all" || table.rowSecurity === "own" ? [`grant select on ${name} to authenticated`] : []),
    ...(table.rowSecurity === "all"
      ? [`create policy ${identifier(table.name)} on ${name} for select using (true)`]
      : []),
    ...(table.rowSecurity === "own" ? policiesOf(table, name) : []),
    `insert into ${name} select ${table.columns.map(({ type, notNull }) => (notNull ? extreme(type, 0) : "null")).join(", ")}`,
    `insert into ${name} select ${table.columns.map(({ type }) => extreme(type, 1)).join(", ")}`,
  ];
}

/** Each row for one person alone, or for a club. */
function policiesOf({ columns }: RandomTable, name: string): string[] {
  const club = columns.find((column) => column.name === "club_id");
  if (club) return [`create policy clubs on ${name} for select using (club_id is not null)`];
  return columns
    .slice(0, 1)
    .map(({ name: own }) => `create policy ${identifier(own)} on ${name} using (${identifier(own)} = auth.uid())`);
}

function hasOrder(type: string): boolean {
  return !/^(json|point|bytea|boolean)/.test(type);
}

/** The first and the last value of a type, or the like. */
function extreme(type: string, end: 0 | 1): string {
  const values: Record<string, [string, string]> = {
    uuid: ["gen_random_uuid()", "gen_random_uuid()"],
    some_id: ["1", "2"],
    integer: ["-2147483648", "2147483647"],
    bigint: ["-9223372036854775808", "9223372036854775807"],
    smallint: ["-32768", "32767"],
    timestamptz: ["'-infinity'", "'infinity'"],
    timestamp: ["'-infinity'", "'infinity'"],
    date: ["'-infinity'", "'5874897-12-31'"],
    boolean: ["false", "true"],
    numeric: ["'NaN'", "1e300"],
    real: ["'-infinity'", "'NaN'"],
    json: ["'{}'", "'[1]'"],
    jsonb: ["'{}'", "'[1]'"],
    "text[]": ["'{}'", "'{{a,b},{c,null}}'"],
    "varchar[]": ["'{}'", "'{null}'"],
    "integer[]": ["'{}'", "'{1}'"],
    bytea: ["''", "'\\x00'"],
    point: ["'(0,0)'", "'(NaN,1)'"],
    some_state: ["'draft'", "'public'"],
  };
  const value = values[type]?.[end];
  return `${value ?? literal(end === 0 ? "" : "it's")}${/^(json|uuid|integer|bigint|smallint|boolean)$/.test(type) ? "" : `::${type}`}`;
}
