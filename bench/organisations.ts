/**
 * Measures feeds where people may read what belongs to their organisations, against the same community in public. `npm run
 * bench -- organisations [POSTS [SECONDS]]`, by default 100,000 and 60, then 16 concurrent clients. Needs a PostgreSQL.
 */
import type { Database } from "../db/connect.ts";
import { migrate } from "../db/migrate.ts";
import { templateDigest } from "../db/template-digest.ts";
import { openPostgresCopy, type Template } from "../db/testing-postgres.ts";
import { type Gateway, startGateway } from "../serve/gateway.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { askForFeed } from "./serving/readers.ts";
import { activateModel, fill, person, topicVectors } from "./shared/generated-community.ts";
import { load, processorTime, Times } from "./shared/times.ts";
import { openFolder, openScope, postgresServer } from "./shared/workspace.ts";

const posts = Number(process.argv[2] ?? 100_000);
const seconds = Number(process.argv[3] ?? 60);
const people = posts / 10;
const many = posts / 100;
const [readers, warmUps, rounds, clients] = [100, 20, 100, 16];

interface Kind {
  name: string;
  /** Post and person of a number belong to number % organisations, a person also to those after it. */
  organisations: number;
  memberships: number;
  /** Who may read a post. */
  readable: string;
  /** Which posts belong to none, as SQL of their number; default: none does. */
  isPublic?: string;
  /** Whether the app says who and what belongs where (recsys.source_memberships, recsys.source_post_scopes); default: it does. */
  isSaid?: boolean;
}
const one = "(select organisation from public.members where user_id = (select auth.uid()))";
const kinds: Kind[] = [
  { name: "all public", organisations: many, memberships: 1, readable: "true" },
  { name: `${many} of 100`, organisations: many, memberships: 1, readable: `organisation = ${one}` },
  { name: `10 of ${posts / 10}`, organisations: 10, memberships: 1, readable: `organisation = ${one}` },
  {
    name: `10 of ${posts / 10}, which is not said`,
    organisations: 10,
    memberships: 1,
    readable: `organisation = ${one}`,
    isSaid: false,
  },
  {
    name: `${many} of 100, a person in 50`,
    organisations: many,
    memberships: 50,
    readable: `organisation = any (array${one})`,
  },
  {
    name: `${many} of 90, a tenth public`,
    organisations: many,
    memberships: 1,
    readable: `organisation is null or organisation = ${one}`,
    isPublic: `number / ${many} % 10 = 0`,
  },
];

// once, whatever is edited while it runs
const digest = templateDigest();
const community: Template = {
  name: `organisations_${posts}`,
  digest: () => digest,
  async fill(database) {
    await migrate(database);
    await fill(database.pool, { people, posts, interactions: 3 * posts, days: 90, organisations: many });
    await database.pool.query("update recsys.settings set requests_per_minute = null");
    await activateModel(database, topicVectors(new Random(1), posts));
  },
};

async function divide({ pool }: Database, kind: Kind) {
  const { organisations, memberships, readable, isPublic = "false", isSaid = true } = kind;
  await pool.query(`
    alter table public.posts add column number integer generated always as (substring(title from '\\d+$')::integer) stored;
    alter table public.posts add column organisation integer;
    set session_replication_role = replica;
    update public.posts set organisation = case when not (${isPublic}) then number % ${organisations} end;
    set session_replication_role = default;
    create table public.members (user_id uuid not null references public.profiles (id) on delete cascade, organisation integer not null, primary key (user_id, organisation));
    insert into public.members
      select ${person("n")}, (n + further) % ${organisations} from generate_series(0, ${people - 1}) as n, generate_series(0, ${memberships - 1}) as further;
    alter table public.members enable row level security;
    create policy "one's own memberships" on public.members for select to authenticated using (user_id = (select auth.uid()));
    grant select on public.members to authenticated;
    drop policy "public posts and one's own are readable" on public.posts;
    create policy "of one's organisations" on public.posts for select to authenticated using (${readable});
    create index on public.posts (organisation)`);
  if (isSaid)
    await pool.query(`
      create index on public.posts ((organisation::text));
      create or replace view recsys.source_memberships with (security_invoker = true) as select user_id, organisation::text as scope from public.members;
      create or replace view recsys.source_post_scopes with (security_invoker = true) as select id as post_id, organisation::text as scope from public.posts`);
  await pool.query("vacuum full public.posts");
  await pool.query("vacuum analyze");
}

interface Served {
  name: string;
  database: Database;
  gateway: Gateway;
  tokens: string[];
  times: number[];
  /** Of each request during which no session began or ended, in milliseconds. */
  processor: number[];
}

await using scope = openScope();
const server = await postgresServer();
const folder = await openFolder(scope);
const communities: Served[] = [];
for (const kind of kinds) {
  const database = await openPostgresCopy(server, "organisations", community);
  scope.after(() => database.close());
  await divide(database, kind);
  const gateway = await startGateway({ databaseUrl: database.url, port: 0, folder });
  scope.after(() => gateway.stop());
  const { rows } = await database.pool.query(
    `select ${person("97 * n")} as id from generate_series(1, ${readers}) as n`,
  );
  const tokens = await Promise.all(rows.map(({ id }) => gateway.tokenOf(id)));
  communities.push({ name: kind.name, database, gateway, tokens, times: [], processor: [] });
}

for (let round = -warmUps; round < rounds; round++)
  for (const served of communities) {
    const before = await processorOf(served);
    const begun = performance.now();
    await askForFeed(served.gateway.url, served.tokens[(round + warmUps) % readers]);
    if (round < 0) continue;
    served.times.push(performance.now() - begun);
    const took = (await processorOf(served)) - before;
    if (took >= 0) served.processor.push(took);
  }
// processor time is counted in hundredths of a second, so its median says little
const costs = communities.map(({ name, times, processor }) => ({
  name,
  median: new Times(times).median,
  processor: processor.reduce((sum, each) => sum + each / processor.length, 0),
}));
const [open] = costs;
for (const { name, median, processor } of costs) {
  const ratios = `${(median / open.median).toFixed(2)} and ${(processor / open.processor).toFixed(2)} times all public`;
  console.log(`${name}: median ${median.toFixed(1)} ms, processor ${processor.toFixed(1)} ms, ${ratios} (${load()})`);
}
for (const served of communities)
  console.log(`${served.name}, ${clients} clients for ${seconds} s: ${await askAtOnce(served)} (${load()})`);

/** Of the function and of the sessions it has, so far. */
async function processorOf({ database, gateway }: Served): Promise<number> {
  const { rows } = await database.pool.query<{ pid: number }>(
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
  );
  return [gateway.processId, ...rows.map(({ pid }) => pid)].reduce((sum, process) => sum + processorTime(process), 0);
}

async function askAtOnce({ gateway, tokens }: Served): Promise<string> {
  const times: number[] = [];
  const errors: string[] = [];
  const end = performance.now() + 1000 * seconds;
  const ask = async (client: number) => {
    for (let number = client; performance.now() < end; number += clients) {
      const begun = performance.now();
      await askForFeed(gateway.url, tokens[number % readers]).then(
        () => times.push(performance.now() - begun),
        (error: Error) => errors.push(error.message),
      );
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => ask(client)));
  const rate = `${(times.length / seconds).toFixed(1)} feeds a second, median ${new Times(times).at(0.5)} ms`;
  return errors.length === 0 ? `${rate}, no error` : `${rate}, ${errors.length} errors: ${errors[0]}`;
}
