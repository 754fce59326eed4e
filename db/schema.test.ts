import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

test("the generated types fit the migrations", async () => {
  const program = fileURLToPath(new URL("./generate-types.ts", import.meta.url));
  // rejects, with what it printed, on another status than 0
  await promisify(execFile)(process.execPath, [program, "--verify"]);
});
