import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, isConnectionLoss, toAppError } from "./errors.ts";

const failed = (message: string, code?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

const table: [string, unknown, number, string][] = [
  ["our own error stays", new AppError(404, "unknown_user", "who?"), 404, "unknown_user"],
  ["refused", failed("connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED"), 503, "database_unavailable"],
  [
    "refused on all addresses",
    new AggregateError([failed("", "ECONNREFUSED"), failed("", "ECONNREFUSED")]),
    503,
    "database_unavailable",
  ],
  ["no such host", failed("getaddrinfo ENOTFOUND db", "ENOTFOUND"), 503, "database_unavailable"],
  ["no free connection in time", failed("timeout exceeded when trying to connect"), 503, "database_unavailable"],
  ["broken by the other side", failed("Connection terminated unexpectedly"), 503, "database_unavailable"],
  [
    "shutting down",
    failed("terminating connection due to administrator command", "57P01"),
    503,
    "database_unavailable",
  ],
  ["too many connections", failed("sorry, too many clients already", "53300"), 429, "overloaded"],
  ["too many clients of Supavisor", failed("Max client connections reached", "XX000"), 429, "overloaded"],
  [
    "no connection of Supavisor in session mode",
    failed("MaxClientsInSessionMode: max clients reached", "XX000"),
    429,
    "overloaded",
  ],
  [
    "no connection of Supavisor in time",
    failed("(ECHECKOUTTIMEOUT) unable to check out connection from the pool", "XX000"),
    429,
    "overloaded",
  ],
  [
    "too many clients of PgBouncer",
    failed("no more connections allowed (max_client_conn)", "08P01"),
    429,
    "overloaded",
  ],
  ["an internal error of PostgreSQL", failed("cache lookup failed", "XX000"), 500, "internal"],
  ["a wrong password", failed("password authentication failed", "28P01"), 503, "database_unavailable"],
  ["statement_timeout", failed("canceling statement due to statement timeout", "57014"), 503, "database_timeout"],
  ["a lock that somebody holds", failed("canceling statement due to lock timeout", "55P03"), 503, "database_timeout"],
  ["two in each other's way", failed("deadlock detected", "40P01"), 503, "database_timeout"],
  [
    "a full disk has made it read-only",
    failed("cannot execute INSERT in a read-only transaction", "25006"),
    503,
    "database_unavailable",
  ],
  ["no answer to a query", failed("Query read timeout"), 503, "database_timeout"],
  ["no migrations", failed('schema "recsys" does not exist', "3F000"), 503, "not_installed"],
  ["older migrations", failed("function recsys.clock() does not exist", "42883"), 503, "not_installed"],
  ["a division by zero", failed("division by zero", "22012"), 500, "internal"],
  ["a bug of ours", new TypeError("undefined is not a function"), 500, "internal"],
  ["not even an error", "oops", 500, "internal"],
  ["nothing", undefined, 500, "internal"],
];
for (const [name, thrown, status, code] of table)
  test(`${name}: ${status} ${code}`, () => {
    const error = toAppError(thrown);
    assert.deepEqual([error.status, error.code], [status, code]);
    if (error !== thrown) assert.equal(error.cause, thrown, "the log gets the cause");
  });

test("only a lost connection may be tried again", () => {
  assert.ok(isConnectionLoss(failed("read ECONNRESET", "ECONNRESET")));
  assert.ok(isConnectionLoss(failed("Client has encountered a connection error and is not queryable")));
  assert.ok(!isConnectionLoss(failed("Query read timeout")));
  assert.ok(!isConnectionLoss(failed("canceling statement due to statement timeout", "57014")));
  assert.ok(!isConnectionLoss(failed("timeout exceeded when trying to connect")));
});
