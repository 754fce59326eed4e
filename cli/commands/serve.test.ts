import assert from "node:assert/strict";
import { test } from "node:test";
import type { Database } from "../../db/connect.ts";
import type { Gateway } from "../../serve/gateway.ts";
import { pagesLine, serveUntil } from "./serve.ts";

test("what fails in the background while it serves is told, each failure once", async (t) => {
  const lines: string[] = [];
  t.mock.method(console, "error", (line: string) => lines.push(line));
  const pool = {
    async query(text: string) {
      if (text.includes("cron.job")) return { rows: [{ present: false }] };
      throw new Error("the database is away");
    },
  };
  const database = { url: "postgres://nobody@127.0.0.1:1/none", pool } as unknown as Database;
  const gateway = { ended: new Promise(() => {}), stop: async () => {} } as unknown as Gateway;
  const stopped = new AbortController();
  const served = serveUntil(gateway, database, stopped.signal);
  while (lines.length < 4) await new Promise((later) => setTimeout(later, 10));
  stopped.abort();
  await served;
  const works = lines.map((line) => line.split(" failed and will be retried: ")[0]);
  assert.deepEqual(works.sort(), ["embedding", "feature store", "measuring", "topics"]);
});

test("the address of the feed page stands alone on its line", () => {
  const gateway = { url: "http://localhost:54321", servesFeedPage: true } as Gateway;
  assert.ok(
    pagesLine(gateway)
      .split("\n")
      .map((line) => line.trim())
      .includes("http://localhost:54321/"),
  );
  assert.doesNotMatch(pagesLine({ ...gateway, servesFeedPage: false }), /localhost/);
});
