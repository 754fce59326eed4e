import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { bearerToken, createVerifier, withTokenCache } from "./auth.ts";

const sub = "0000000a-0000-4000-8000-000000000001";
const issuer = "https://abc.supabase.co/auth/v1";
const issuers = [issuer];
const user = { sub, role: "authenticated", aud: "authenticated", iss: issuer };
const secret = "a secret of thirty-two characters or more";
const secretKey = new TextEncoder().encode(secret);
const es = (await generateKeyPair("ES256")) as CryptoKeyPair;
const rs = (await generateKeyPair("RS256")) as CryptoKeyPair;
const stranger = (await generateKeyPair("ES256")) as CryptoKeyPair;
const keys = {
  keys: [
    { ...(await exportJWK(es.publicKey)), kid: "es", alg: "ES256" },
    { ...(await exportJWK(rs.publicKey)), kid: "rs", alg: "RS256" },
  ],
};

async function sign(
  claims: JWTPayload,
  key: CryptoKey | Uint8Array,
  header: { alg: string; kid?: string },
  exp = "1h",
) {
  return await new SignJWT(claims).setProtectedHeader(header).setIssuedAt().setExpirationTime(exp).sign(key);
}

/** A token signed by a stranger, with their own key and key URL in its header. */
async function signWithOwnKey(): Promise<string> {
  const jwk = await exportJWK(stranger.publicKey);
  const header = { alg: "ES256", kid: "es", jwk, jku: "https://evil.example/jwks.json" };
  return await sign(user, stranger.privateKey, header);
}

async function project(): Promise<string> {
  const server = createServer((_, response) => response.end(JSON.stringify(keys)));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  // not closed in t.after(), which node:test of Deno 2.1 does not have
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("tokens signed with the project's published keys are accepted as their user's", async () => {
  const verify = createVerifier({ issuers, jwksUrl: await project() });
  assert.equal((await verify(await sign(user, es.privateKey, { alg: "ES256", kid: "es" }))).sub, sub);
  assert.equal((await verify(await sign(user, rs.privateKey, { alg: "RS256", kid: "rs" }))).sub, sub);
  const claims = await verify(
    await sign({ ...user, aud: ["other", "authenticated"], app_metadata: { team: 7 } }, es.privateKey, {
      alg: "ES256",
    }),
  );
  assert.deepEqual(claims.app_metadata, { team: 7 }, "policies may read every claim");
});

test("an anonymous sign-in is a user as any other, known by a claim that policies may read", async () => {
  const verify = createVerifier({ issuers, jwksUrl: await project() });
  // as Supabase Auth issues it
  const claims = await verify(
    await sign(
      { ...user, is_anonymous: true, email: "", phone: "", aal: "aal1", amr: [{ method: "anonymous", timestamp: 1 }] },
      es.privateKey,
      { alg: "ES256", kid: "es" },
    ),
  );
  assert.deepEqual([claims.sub, claims.is_anonymous], [sub, true]);
});

test("each of several issuers may have made a token, such as a project that changed its domain", async () => {
  const moved = "https://api.example/auth/v1";
  const verify = createVerifier({ issuers: [issuer, moved], jwksUrl: await project() });
  const es256 = { alg: "ES256", kid: "es" };
  for (const iss of [issuer, moved])
    assert.equal((await verify(await sign({ ...user, iss }, es.privateKey, es256))).sub, sub);
});

test("an older project's tokens are verified with its secret", async () => {
  const verify = createVerifier({ issuers, secret });
  assert.equal((await verify(await sign(user, secretKey, { alg: "HS256" }))).sub, sub);
});

test("tokens that are not a user's, not valid or not ours are refused with a code", async (t) => {
  const verify = createVerifier({ issuers, jwksUrl: await project(), secret });
  const es256 = { alg: "ES256", kid: "es" };
  const valid = await sign(user, es.privateKey, es256);
  const [header, body, signature] = valid.split(".");
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const publicJwk = JSON.stringify((keys as { keys: unknown[] }).keys[0]);
  const refused: [string, string, string][] = [
    ["expired", await sign(user, es.privateKey, es256, "-1h"), "token_expired"],
    ["not valid yet", await sign({ ...user, nbf: 4e9 }, es.privateKey, es256), "token_invalid"],
    [
      "huge",
      await sign({ ...user, app_metadata: { teams: "x".repeat(13_000) } }, es.privateKey, es256),
      "token_invalid",
    ],
    ["without an end", await new SignJWT(user).setProtectedHeader(es256).sign(es.privateKey), "token_invalid"],
    ["another key", await sign(user, stranger.privateKey, es256), "token_invalid"],
    ["an unknown key id", await sign(user, stranger.privateKey, { alg: "ES256", kid: "new" }), "token_invalid"],
    ["another secret", await sign(user, new TextEncoder().encode("guess"), { alg: "HS256" }), "token_invalid"],
    [
      "the public key as a secret",
      await sign(user, new TextEncoder().encode(publicJwk), { alg: "HS256", kid: "es" }),
      "token_invalid",
    ],
    [
      "the public key as its PEM would be, as a secret",
      await sign(user, new TextEncoder().encode(await exportSPKI(rs.publicKey)), { alg: "HS256", kid: "rs" }),
      "token_invalid",
    ],
    ["a key id that is another key's", await sign(user, rs.privateKey, { alg: "RS256", kid: "es" }), "token_invalid"],
    ["its own key in the header", await signWithOwnKey(), "token_invalid"],
    [
      "the right key under another algorithm",
      `${part({ ...es256, alg: "RS256" })}.${body}.${signature}`,
      "token_invalid",
    ],
    ["an algorithm that is no text", `${part({ ...es256, alg: ["ES256"] })}.${body}.${signature}`, "token_invalid"],
    ["alg None", `${part({ alg: "None" })}.${body}.`, "token_invalid"],
    [
      "an extension that must be understood",
      await sign(user, es.privateKey, { ...es256, crit: ["x"], x: 1 } as never).catch(
        () => `${part({ ...es256, crit: ["x"], x: 1 })}.${body}.${signature}`,
      ),
      "token_invalid",
    ],
    ["alg none", `${part({ alg: "none" })}.${body}.`, "token_invalid"],
    ["no signature", `${header}.${body}.`, "token_invalid"],
    [
      "another body",
      `${header}.${part({ ...user, sub: sub.replace("a", "b"), exp: 4e9 })}.${signature}`,
      "token_invalid",
    ],
    ["not a JWT", "hello", "token_invalid"],
    ["garbage in three parts", "a.b.c", "token_invalid"],
    ["a publishable key", "sb_publishable_0123456789", "token_not_user"],
    [
      "the anon key",
      await sign({ role: "anon", iss: "supabase" }, secretKey, { alg: "HS256" }, "10y"),
      "token_not_user",
    ],
    ["the service key", await sign({ role: "service_role" }, secretKey, { alg: "HS256" }, "10y"), "token_not_user"],
    [
      "a service token with a user",
      await sign({ ...user, role: "service_role" }, es.privateKey, es256),
      "token_not_user",
    ],
    ["no subject", await sign({ role: "authenticated", aud: "authenticated" }, es.privateKey, es256), "token_not_user"],
    ["a subject that is no uuid", await sign({ ...user, sub: "1 or 1=1" }, es.privateKey, es256), "token_not_user"],
    ["another audience", await sign({ ...user, aud: "other" }, es.privateKey, es256), "token_audience"],
    [
      "another project of the same keys",
      await sign({ ...user, iss: "https://xyz.supabase.co/auth/v1" }, es.privateKey, es256),
      "token_issuer",
    ],
    [
      "another project of the same secret",
      await sign({ ...user, iss: `${issuer}/` }, secretKey, { alg: "HS256" }),
      "token_issuer",
    ],
    [
      "no issuer",
      await sign({ sub, role: "authenticated", aud: "authenticated" }, es.privateKey, es256),
      "token_issuer",
    ],
    ["issuers", await sign({ ...user, iss: [issuer] as never }, es.privateKey, es256), "token_issuer"],
    [
      "several subjects",
      await sign({ ...user, sub: [sub] as never }, es.privateKey, es256).catch(() => "a.b.c"),
      "token_not_user",
    ],
    ["no audience", await sign({ sub, role: "authenticated" }, es.privateKey, es256), "token_audience"],
  ];
  for (const [name, token, code] of refused)
    await t.test(name, async () => {
      await assert.rejects(verify(token), { status: 401, code });
    });
  assert.equal((await verify(valid)).sub, sub, "the token that they were made from is valid");
});

test("a token that was admitted stays so for a minute, and not beyond its end; another one is looked at", async () => {
  let looked = 0;
  let now = 0;
  const verify = withTokenCache(
    async (token) => {
      looked++;
      if (token === "bad") throw new Error("no");
      return { sub: token, role: "authenticated", exp: 90 };
    },
    () => now,
  );
  const first = await verify("a");
  now = 59_999;
  assert.deepEqual(await verify("a"), first);
  assert.notEqual(await verify("a"), first, "each request may change its own");
  assert.equal(looked, 1);
  await verify("b");
  await assert.rejects(verify("bad"));
  await assert.rejects(verify("bad"));
  assert.equal(looked, 4);
  now = 60_000;
  await verify("a");
  assert.equal(looked, 5);
  now = 90_000;
  await verify("a");
  assert.equal(looked, 6, "its own end comes before the minute is over");
});

test("a project without a secret takes no HS256", async () => {
  const verify = createVerifier({ issuers, jwksUrl: await project() });
  await assert.rejects(verify(await sign(user, secretKey, { alg: "HS256" })), { status: 401, code: "token_invalid" });
});

test("the token stands after the word Bearer", () => {
  assert.equal(bearerToken("Bearer abc"), "abc");
  assert.equal(bearerToken("bearer  abc"), "abc");
  assert.throws(() => bearerToken(undefined), { status: 401, code: "token_missing" });
  assert.throws(() => bearerToken(""), { status: 401, code: "token_missing" });
  for (const header of ["abc", "Bearer", "Bearer ", "Basic abc", "Bearer a b"])
    assert.throws(() => bearerToken(header), { status: 401, code: "token_invalid" }, header);
});
