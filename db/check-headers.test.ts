/** recsys_engine.check_headers() over the blog of docs/adopting.md: policies that read what no function hands on are named, and their cure mends that. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { adoptedBlog } from "../adopt/testing-blog.ts";
import type { CheckRow } from "../cli/commands/check.ts";
import type { Database } from "./connect.ts";
import { withoutPostgres } from "./testing.ts";

const skip = await withoutPostgres();
const database = skip ? undefined : await adoptedBlog({ after }, "check_headers");

/** The findings of check on headers after `broken`, and again after each cure was run; all is rolled back. */
async function found(broken: string): Promise<{ lines: string[]; left: string[] }> {
  const client = await (database as Database).pool.connect();
  try {
    await client.query("begin");
    await client.query(broken);
    const findings = async () => (await client.query<CheckRow>("select * from recsys_engine.check_headers()")).rows;
    const rows = await findings();
    for (const { cure } of rows.filter(({ cure }) => cure.startsWith("update "))) await client.query(cure);
    const left = await findings();
    const lineOf = ({ stops, problem, cure }: CheckRow) => `${stops ? "PROBLEM" : "warning"} ${problem}. ${cure}`;
    return { lines: rows.map(lineOf), left: left.map(lineOf) };
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const policyOf = (condition: string, table = "blog.posts", name = "tenants", rest = "for select to authenticated") =>
  `create policy ${name} on ${table} ${rest} using (${condition})`;
const header = "current_setting('request.headers', true)";
const tenantCure =
  "update recsys.settings set forwarded_headers = forwarded_headers || 'x-tenant-id'::text where 'x-tenant-id' <> all (forwarded_headers)";
const tenantLine = (reader: string) =>
  `warning ${reader} reads the header x-tenant-id, which the functions do not hand on: a feed is made as if it was not sent. ${tenantCure}`;

const named: [name: string, broken: string, reader: string][] = [
  ["a policy of posts", policyOf(`title = ${header}::json ->> 'x-tenant-id'`), "the policy tenants on blog.posts"],
  [
    "one that asks as jsonb, takes no text for none and is for all roles",
    policyOf(
      `title = (select coalesce(nullif(${header}, ''), '{}')::jsonb -> 'x-tenant-id' ->> 0)`,
      "blog.posts",
      "tenants",
      "",
    ),
    "the policy tenants on blog.posts",
  ],
  [
    "one where the setting must be there",
    policyOf("title = current_setting('request.headers')::json ->> 'x-tenant-id'"),
    "the policy tenants on blog.posts",
  ],
  [
    "one that a transaction with an empty setting judges by",
    `select set_config('request.headers', '', true); ${policyOf(`title = ${header}::json ->> 'x-tenant-id'`)}`,
    "the policy tenants on blog.posts",
  ],
  [
    "a header with an unusual name",
    policyOf(`${header}::json ->> 'x-tenant-id' = '1'`, "blog.members", `"it's; a\n""name"""`),
    `the policy U&"it's; a\\000a""name""" on blog.members`,
  ],
  [
    "several, of a table that only a policy reads",
    `create table blog.tenants (id text); alter table blog.tenants enable row level security; grant select on blog.tenants to authenticated, service_role;
     ${policyOf(`id = ${header}::json ->> 'x-tenant-id'`, "blog.tenants", "own")};
     ${policyOf(`title = ${header}::json ->> 'x-tenant-id' and exists (select from blog.tenants where id = title)`)}`,
    "the policy own on blog.tenants, the policy tenants on blog.posts",
  ],
  [
    "a function that a policy calls",
    `create function blog.tenant() returns text language sql stable as $$ select ${header}::json->>'x-tenant-id' $$;
     ${policyOf("title = (select blog.tenant())")}`,
    "the policy tenants on blog.posts by blog.tenant",
  ],
  [
    "one with a body in SQL",
    `create function blog.tenant() returns text language sql stable return ${header}::json ->> 'x-tenant-id';
     ${policyOf("title = blog.tenant()")}`,
    "the policy tenants on blog.posts by blog.tenant",
  ],
  [
    "a function that a function calls that a function calls, in a circle",
    `create function blog.tenant() returns text language sql stable as $$ select ${header}::json->>'x-tenant-id' $$;
     create function blog.place(again boolean) returns text language plpgsql stable as $$ begin return case when again then blog.here() else blog . "tenant" () end; end $$;
     create function blog.here() returns text language sql stable as $$ select Blog.PLACE(false) $$;
     ${policyOf("title = (select blog.here())")}`,
    "the policy tenants on blog.posts by blog.tenant",
  ],
  [
    "a view under a source view",
    `create view blog.of_tenant with (security_invoker = true) as select * from blog.posts where title = ${header}::json ->> 'x-tenant-id';
     grant select on blog.of_tenant to authenticated, service_role;
     create or replace view recsys.source_withheld with (security_invoker = true) as select recsys_id as post_id, null::uuid as author_id from blog.of_tenant where false`,
    "the view blog.of_tenant",
  ],
];

for (const [name, broken, reader] of named)
  test(`a header that is not handed on is named: ${name}`, { skip }, async () => {
    assert.deepEqual(await found(broken), { lines: [tenantLine(reader)], left: [] });
  });

test("two headers are two lines, and a secret is not handed on unawares", { skip }, async () => {
  const { lines, left } = await found(
    policyOf(`title in (${header}::json ->> 'x-tenant-id', ${header}::json ->> 'cookie')`),
  );
  assert.equal(lines.length, 2);
  assert.match(
    lines.find((line) => line.includes("header cookie")) ?? "",
    /\. unless SQL is not to see that secret: update /,
  );
  assert.deepEqual(
    left,
    lines.filter((line) => line.includes("header cookie")),
  );
});

test("where no name can be read, an empty setting is named, and none that has some", { skip }, async () => {
  const by = `create function blog.tenant() returns text language plpgsql stable as $$
      declare sent json := ${header}; begin return sent ->> ('x-' || 'tenant-id'); end $$; ${policyOf("title = (select blog.tenant())")}`;
  const { lines } = await found(by);
  assert.deepEqual(lines, [
    "warning the policy tenants on blog.posts by blog.tenant reads request.headers, and the functions hand on no header: recsys.settings.forwarded_headers is empty. name the headers that it reads, in lower case: update recsys.settings set forwarded_headers = '{…}'",
  ]);
  assert.deepEqual((await found(`update recsys.settings set forwarded_headers = '{x-tenant-id}'; ${by}`)).lines, []);
});

test("cookies are reported; forwarded headers, other roles and other tables are not", { skip }, async () => {
  const { lines } = await found(policyOf("title = current_setting('request.cookies', true)::json ->> 'tenant'"));
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /^warning the policy tenants on blog\.posts reads request\.cookies, which the functions do not set\. let it read a header/,
  );
  const quiet = [
    `update recsys.settings set forwarded_headers = '{x-tenant-id}'; ${policyOf(`title = ${header}::json ->> 'x-tenant-id'`)}`,
    policyOf("current_setting('request.method', true) = 'GET' and current_setting('request.path', true) <> '/posts'"),
    policyOf(`title = ${header}::json ->> 'x-tenant-id'`, "blog.posts", "tenants", "for delete to authenticated"),
    policyOf(`title = ${header}::json ->> 'x-tenant-id'`, "blog.posts", "tenants", "for select to service_role"),
    // a function of that name in another schema, and one with a longer name
    `create schema elsewhere; create function elsewhere.tenant() returns text language sql stable as $$ select ${header}::json->>'x-tenant-id' $$;
     create function blog.tenant() returns text language sql stable as $$ select 'north' $$;
     create function blog.first_tenant() returns text language sql stable as $$ select blog.tenant() $$; ${policyOf("title = (select blog.first_tenant())")}`,
    `create table blog.invoices (id text); alter table blog.invoices enable row level security; ${policyOf(`id = ${header}::json ->> 'x-tenant-id'`, "blog.invoices")}`,
  ];
  for (const broken of quiet) assert.deepEqual((await found(broken)).lines, [], broken);
});

test("a policy that takes the setting for granted hides no other finding", { skip }, async () => {
  const client = await (database as Database).pool.connect();
  const indexes = async () =>
    (await client.query<CheckRow>("select * from recsys.check()")).rows.filter(({ problem }) =>
      problem.includes("no index"),
    );
  try {
    await client.query("begin");
    const before = await indexes();
    await client.query(
      policyOf(
        "title <> current_setting('request.headers')::json ->> 'x-tenant-id'",
        "blog.posts",
        "sent",
        "as restrictive",
      ),
    );
    assert.ok(before.length > 0);
    assert.deepEqual(await indexes(), before);
  } finally {
    await client.query("rollback");
    client.release();
  }
});
