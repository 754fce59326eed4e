/**
 * 500 requests at once over HTTP to the function under Deno, whose queries take a tenth of a second: how soon those that are too many are
 * sent away, how many get their feed, and how soon it serves as before. `npm run bench -- overload`
 */
import { startGateway } from "../serve/gateway.ts";
import { fillCommunity, people, publishTinyModel } from "../testing/community.ts";
import { openFolder, openPostgres, openScope } from "./shared/place.ts";
import { load, Times } from "./shared/times.ts";

const clients = 500;

await using scope = openScope();
const { pool, url } = await openPostgres(scope, "bench_overload");
const folder = await openFolder(scope);
const gateway = await startGateway({ databaseUrl: url, port: 0, folder, onLog: () => undefined });
scope.after(() => gateway.stop());
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });
await pool.query("update recsys.settings set requests_per_minute = null");
const token = await gateway.tokenOf(people.ada);
const asked = async () => {
  const started = performance.now();
  const response = await fetch(`${gateway.url}/functions/v1/recommend`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body = await response.json();
  const inFunction = Number(/total;dur=([\d.]+)/.exec(response.headers.get("server-timing") ?? "")?.[1]);
  return { code: body.error?.code ?? "feed", took: performance.now() - started, inFunction };
};
const atOnce = async (many: number) => {
  const answers = await Promise.all(Array.from({ length: many }, asked));
  for (const code of new Set(answers.map((answer) => answer.code))) {
    const those = answers.filter((answer) => answer.code === code);
    const seen = new Times(those.map(({ took }) => took));
    const inside = new Times(those.map(({ inFunction }) => inFunction));
    console.log(
      `${many} at once: ${those.length} ${code}; the client waits ${seen.at(0.5)} ms (95 %: ${seen.at(0.95)}), the function takes ${inside.at(0.5)} ms (95 %: ${inside.at(0.95)}); ${load()}`,
    );
  }
};
for (let n = 0; n < 20; n++) await asked();
await atOnce(16);
const context = "recsys.user_context(uuid, bigint, timestamptz)";
const { rows } = await pool.query("select pg_get_functiondef($1::regprocedure) as definition", [context]);
const [{ definition }] = rows;
await pool.query(definition.replace("\nbegin\n", "\nbegin\n  perform pg_sleep(0.1);\n"));
await atOnce(16);
await atOnce(clients);
await pool.query(definition);
await atOnce(16);
