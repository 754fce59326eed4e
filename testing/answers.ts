/** For tests: what somebody is told in SQL, whole, to be held against another answer of the same transaction. */
import type { Client, PolicyCaller } from "./random-policies.ts";

/** The rows of each answer as sorted texts; the transaction goes on under the role that it began with. */
export async function answersTo(
  client: Client,
  caller: PolicyCaller,
  { modelId, vector, post }: { modelId: number; vector: number[]; post: string },
): Promise<string[][]> {
  const { sub } = caller;
  const answers: [query: string, ...values: unknown[]][] = [
    ["recsys.retrieve($1, $2, $3::text::extensions.vector, now())", sub, modelId, JSON.stringify(vector)],
    ["recsys.people_to_follow($1, 20)", sub],
    ["recsys.topics_to_follow($1, 20)", sub],
    ["recsys.posts_like($1, 20)", post],
    ["recsys.batch_feed($1, 20)", sub],
  ];
  await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
    JSON.stringify(caller),
  ]);
  const told: string[][] = [];
  for (const [query, ...values] of answers) {
    const { rows } = await client.query(`select to_json(each)::text as row from ${query} as each`, values);
    told.push(rows.map(({ row }) => row).sort());
  }
  await client.query("reset role");
  return told;
}
