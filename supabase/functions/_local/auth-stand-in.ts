/**
 * Stands in for Supabase Auth at /auth/v1, for a database on this machine that has none: what supabase-js calls to sign up, sign in and
 * out, and to renew a token. It asks nobody for a password, so whoever reaches this port can be anybody of the community. Therefore it
 * is only mounted for a database on this machine (serve/gateway.ts), and answers nothing where that has a real Supabase Auth.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type JWTPayload, jwtVerify } from "jose";
import * as z from "zod";
import type { Pool } from "../_shared/database/database.ts";
import { runAsOwner } from "./as-caller.ts";
import { emailOf, hasRealAuth, memberOfEmail } from "./members.ts";
import { signed, type TokenKey, tokenLifetime, userToken } from "./user-token.ts";

const refreshAudience = "local-refresh";
const month = 30 * 24 * 3600;

const signUp = z.object({ email: z.email().max(254), password: z.string().min(1) });
const grants = { password: signUp, refresh_token: z.object({ refresh_token: z.string().max(4096) }) };

/** GoTrue's own codes, as far as supabase-js tells them apart. */
class AuthFailure extends Error {
  readonly status: 400 | 403 | 422;
  readonly code: string;
  constructor(status: AuthFailure["status"], code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface User {
  id: string;
  email: string;
}

/** `project`: its address, as in the tokens. `publicKey`: of the key that signs. */
export function authStandIn(pool: Pool, key: TokenKey & { publicKey: CryptoKey }, project: string): Hono {
  const auth = new Hono();
  auth.use(bodyLimit({ maxSize: 8 * 1024 }));

  auth.post("/signup", async (c) => {
    const { email } = read(signUp, await c.req.text());
    await requireNoAuth();
    const statement = {
      text: "insert into auth.users (id, email) values (gen_random_uuid(), lower($1)) on conflict (email) do nothing returning id, email",
      values: [email],
    };
    const [user] = await runAsOwner<User>(pool, statement);
    if (!user) throw new AuthFailure(422, "user_already_exists", "somebody has this e-mail address already");
    return c.json(await session(user));
  });

  auth.post("/token", async (c) => {
    const body = await c.req.text();
    await requireNoAuth();
    const grant = c.req.query("grant_type");
    if (grant === "password") {
      const { email } = read(grants.password, body);
      const id = await memberOfEmail(pool, email);
      if (id === undefined) throw new AuthFailure(400, "invalid_credentials", "nobody here has this e-mail address");
      return c.json(await session({ id, email }));
    }
    if (grant !== "refresh_token") throw new AuthFailure(400, "validation_failed", "this grant is not spoken here");
    const { refresh_token } = read(grants.refresh_token, body);
    const { sub } = await refreshed(refresh_token);
    return c.json(await session({ id: String(sub), email: emailOf(String(sub)) }));
  });

  // tokens are valid until they expire; the page forgets them
  auth.post("/logout", (c) => c.body(null, 204));
  auth.notFound((c) => failed(c, new AuthFailure(400, "not_found", "this is not spoken here")));
  auth.onError((thrown, c) => {
    if (thrown instanceof AuthFailure) return failed(c, thrown);
    console.error(`auth stand-in: ${thrown.message}`);
    return c.json({ code: 503, error_code: "unexpected_failure", msg: "the database does not answer; try again" }, 503);
  });
  return auth;

  async function requireNoAuth(): Promise<void> {
    if (await hasRealAuth(pool))
      throw new AuthFailure(403, "real_auth", "this database has a Supabase Auth of its own: sign in there");
  }

  async function session({ id, email }: User) {
    const access_token = await userToken(key, project, id);
    const refresh_token = await signed(key, project, id, {}, refreshAudience, month);
    const expires_at = Math.floor(Date.now() / 1000) + tokenLifetime;
    const created_at = new Date().toISOString();
    const user = {
      id,
      email,
      aud: "authenticated",
      role: "authenticated",
      app_metadata: {},
      user_metadata: {},
      created_at,
    };
    return { access_token, token_type: "bearer", expires_in: tokenLifetime, expires_at, refresh_token, user };
  }

  async function refreshed(token: string): Promise<JWTPayload> {
    try {
      const options = { algorithms: ["ES256"], audience: refreshAudience, issuer: `${project}/auth/v1` };
      return (await jwtVerify(token, key.publicKey, options)).payload;
    } catch {
      throw new AuthFailure(400, "refresh_token_not_found", "sign in again");
    }
  }
}

function read<Shape>(shape: z.ZodType<Shape>, body: string): Shape {
  try {
    return shape.parse(JSON.parse(body));
  } catch {
    throw new AuthFailure(400, "validation_failed", "the body is not what this takes");
  }
}

function failed(c: Context, { status, code, message }: AuthFailure): Response {
  return c.json({ code: status, error_code: code, msg: message }, status);
}
