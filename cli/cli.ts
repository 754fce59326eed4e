#!/usr/bin/env node
/** `npx --no-install recsys …`: runs the command that is asked for. */
import { UserError } from "../db/user-error.ts";
import { program } from "./program.ts";

// tfjs-node calls a helper that Node deprecates with each start
process.noDeprecation = true;
// the package is compiled: its stack traces name the sources
if (process.env.RECSYS_TRACE !== undefined) process.setSourceMapsEnabled(true);

try {
  await program.parseAsync();
} catch (error) {
  // a UserError is written for the reader; of anything else RECSYS_TRACE shows the stack trace
  const expected = error instanceof UserError || process.env.RECSYS_TRACE === undefined;
  console.error(expected ? `recsys: ${(error as Error).message}` : error);
  process.exitCode = 1;
}
