/** Key rotation and an unavailable key server: users stay signed in, and revoked keys are refused. */
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { projectKeys } from "./project-keys.ts";

const minutes = 60_000;

async function signer(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const sign = () => new SignJWT({}).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
  return { sign, jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256" } };
}

const old = await signer("old");
const next = await signer("next");

/** A key server with a changeable answer, and a manual clock. */
async function keyServer(answer: (response: ServerResponse) => unknown) {
  const state = { answer, asked: 0, now: 0 };
  const server = createServer((_, response) => {
    state.asked++;
    state.answer(response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  // not closed in t.after(), which node:test of Deno 2.1 does not have
  server.unref();
  const keys = projectKeys(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, () => state.now);
  const verify = async (token: string) => void (await jwtVerify(token, keys));
  return Object.assign(state, { verify });
}

const publishes =
  (...signers: { jwk: object }[]) =>
  (response: ServerResponse) =>
    response.end(JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }));
const fails = (response: ServerResponse) => response.writeHead(500).end();
const unavailable = { status: 503, code: "keys_unavailable" };
const unknown = { code: "ERR_JWKS_NO_MATCHING_KEY" };

test("keys are read once for ten minutes, also when many come at the same time", async () => {
  const server = await keyServer(publishes(old));
  const token = await old.sign();
  await Promise.all(Array.from({ length: 20 }, () => server.verify(token)));
  server.now = 9 * minutes;
  await server.verify(token);
  assert.equal(server.asked, 1);
  server.now = 11 * minutes;
  await Promise.all(Array.from({ length: 20 }, () => server.verify(token)));
  assert.equal(server.asked, 2);
});

for (const [name, away] of [
  ["answers 500", fails],
  ["answers with a page", (response) => response.end("<html>")],
  ["answers with other JSON", (response) => response.end('{"message": "gone"}')],
  ["sends the caller elsewhere", (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
  ["hangs up", (response) => response.destroy()],
] as [string, (response: ServerResponse) => unknown][])
  test(`keys that were read serve for a day while their server ${name}, and are read again when it is back`, async () => {
    const server = await keyServer(publishes(old));
    const token = await old.sign();
    await server.verify(token);
    server.answer = away;
    for (server.now = 11 * minutes; server.now < 24 * 60 * minutes; server.now += 30 * minutes)
      await server.verify(token);
    await assert.rejects(server.verify(await next.sign()), unavailable, "who has another key may be right");
    server.answer = publishes(next);
    server.now += minutes;
    await server.verify(await next.sign());
    await assert.rejects(server.verify(token), unknown, "and what was revoked meanwhile is refused");
  });

test("nobody but the first waits for a server that does not answer", async () => {
  const server = await keyServer(publishes(old));
  const token = await old.sign();
  await server.verify(token);
  server.answer = () => undefined;
  server.now = 11 * minutes;
  const started = performance.now();
  await Promise.all(Array.from({ length: 10 }, () => server.verify(token)));
  assert.ok(
    performance.now() - started < 15_000,
    "3 seconds, and all of them the same three: ten times as long would be one after another",
  );
  server.now += minutes;
  const again = performance.now();
  for (let n = 0; n < 10; n++) await server.verify(token);
  assert.ok(performance.now() - again < 2_900);
});

test("a key that the project begins to sign with is taken at once, one that it revoked for ten minutes at most", async () => {
  const server = await keyServer(publishes(old));
  await server.verify(await old.sign());
  server.now = minutes;
  server.answer = publishes(old, next);
  await server.verify(await next.sign());
  await server.verify(await old.sign());
  server.answer = publishes(next);
  server.now = 12 * minutes;
  await assert.rejects(server.verify(await old.sign()), unknown);
  await server.verify(await next.sign());
});

test("tokens with key ids of a stranger's making ask the key server once in ten seconds, and are refused", async () => {
  const server = await keyServer(publishes(old));
  await server.verify(await old.sign());
  server.now = minutes;
  for (let n = 0; n < 50; n++) await assert.rejects(server.verify(await (await signer(`guess-${n}`)).sign()), unknown);
  assert.equal(server.asked, 2);
});

test("without any keys it is the project's fault, not the token's; a second later it is tried again", async () => {
  const server = await keyServer(fails);
  const token = await old.sign();
  for (let n = 0; n < 5; n++) await assert.rejects(server.verify(token), unavailable);
  assert.equal(server.asked, 1);
  server.answer = publishes(old);
  server.now = 1_100;
  await server.verify(token);
  const unreachable = projectKeys("http://127.0.0.1:1/");
  await assert.rejects(async () => jwtVerify(token, unreachable), unavailable);
});

test("two keys under one id verify nothing that names it", async () => {
  const twin = { jwk: { ...next.jwk, kid: "old" } };
  const server = await keyServer(publishes(old, twin));
  await assert.rejects(server.verify(await old.sign()), { code: "ERR_JWKS_MULTIPLE_MATCHING_KEYS" });
});
