// npm run types: writes db/schema.ts from a freshly migrated database. With --verify it only says whether that is needed.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { testDatabase } from "./testing.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const verify = process.argv.includes("--verify");
const cleanings: (() => Promise<void>)[] = [];
const database = await testDatabase({ after: (clean) => void cleanings.push(clean) }, "types");

// bigint and interval as connect.ts reads them; vectors are strings by default
const flags = {
  dialect: "postgres",
  url: database.url,
  "out-file": path("./schema.ts"),
  "default-schema": "public",
  "include-pattern": "(public|recsys).*",
  "type-mapping": JSON.stringify({ int8: "number", interval: "string" }),
};
const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
const codegen = path("../node_modules/kysely-codegen/dist/cli/bin.js");
const { status, stdout, stderr } = spawnSync(process.execPath, [codegen, ...args, ...(verify ? ["--verify"] : [])], {
  encoding: "utf8",
});
for (const clean of cleanings) await clean();

if (status === 0) console.log(verify ? "db/schema.ts fits the migrations." : "Wrote db/schema.ts.");
else if (verify) console.error("db/schema.ts does not fit the migrations. Run: npm run types");
else console.error(stdout + stderr);
process.exitCode = status === 0 ? 0 : 1;
