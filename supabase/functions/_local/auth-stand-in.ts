/**
 * Stand-in for Supabase Auth at /auth/v1, for a local database without it: sign-up, sign-in, sign-out, token refresh.
 * It checks no passwords and prints sign-in links instead of sending e-mail, so it must not be reachable from outside:
 * any client of this port can act as any member. It is mounted only for a local database (serve/gateway.ts), and
 * refuses requests if that has a real Supabase Auth.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type JWTPayload, jwtVerify } from "jose";
import * as z from "zod";
import type { Pool } from "../_shared/database/database.ts";
import { runAsOwner } from "./as-caller.ts";
import { isLoopback } from "./guard.ts";
import { emailOf, hasRealAuth, memberOfEmail } from "./members.ts";
import { OneTime } from "./one-time.ts";
import { signed, type TokenKey, tokenLifetime, userToken } from "./user-token.ts";

const refreshAudience = "local-refresh";
const month = 30 * 24 * 3600;

const email = z.email().max(254);
const signUp = z.object({ email, password: z.string().min(1) });
const grants = {
  password: signUp,
  refresh_token: z.object({ refresh_token: z.string().max(4096) }),
  pkce: z.object({ auth_code: z.string().max(100), code_verifier: z.string().max(200) }),
};
const otp = z.object({ email, create_user: z.boolean().default(true), code_challenge: z.string().max(200).nullish() });

/** An error with one of GoTrue's codes that supabase-js distinguishes. */
class AuthFailure extends Error {
  readonly status: 400 | 401 | 403 | 422;
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

/** `challenge`: the browser's PKCE challenge, if it wants a code instead of a session (as @supabase/ssr does). */
interface SignInLink {
  user: User;
  challenge: string | undefined;
}

/** `project`: its address, as in the tokens. `publicKey`: of the signing key. */
export function authStandIn(pool: Pool, key: TokenKey & { publicKey: CryptoKey }, project: string): Hono {
  const auth = new Hono();
  const links = new OneTime<SignInLink>();
  const codes = new OneTime<SignInLink>();
  auth.use(bodyLimit({ maxSize: 8 * 1024 }));

  auth.post("/signup", async (c) => {
    const { email } = read(signUp, await c.req.text());
    await requireNoAuth();
    const user = await newUser(email);
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
    if (grant === "pkce") {
      const { auth_code, code_verifier } = read(grants.pkce, body);
      const link = codes.take(auth_code);
      if (!link) throw new AuthFailure(403, "flow_state_not_found", "this link has expired or was used before");
      if ((await sha256(code_verifier)) !== link.challenge)
        throw new AuthFailure(400, "bad_code_verifier", "another browser asked for this link");
      return c.json(await session(link.user));
    }
    if (grant !== "refresh_token") throw new AuthFailure(400, "validation_failed", "this grant is not spoken here");
    const { refresh_token } = read(grants.refresh_token, body);
    const { sub } = await verified(refresh_token, refreshAudience, "refresh_token_not_found");
    return c.json(await session(await userOf(String(sub))));
  });

  auth.post("/otp", async (c) => {
    const { email, create_user, code_challenge } = read(otp, await c.req.text());
    await requireNoAuth();
    const known = await memberOfEmail(pool, email);
    const user = known === undefined ? create_user && (await newUser(email)) : { id: known, email };
    if (!user) throw new AuthFailure(422, "otp_disabled", "nobody here has this e-mail address");
    const token = links.give({ user, challenge: code_challenge ?? undefined });
    const back = new URLSearchParams({
      token,
      type: "magiclink",
      redirect_to: backTo(c.req.query("redirect_to")).href,
    });
    console.error(`${email} signs in by ${project}/auth/v1/verify?${back}`);
    return c.json({});
  });

  auth.get("/verify", async (c) => {
    await requireNoAuth();
    const back = backTo(c.req.query("redirect_to"));
    const link = links.take(c.req.query("token") ?? "");
    if (!link) {
      const error_description = "Email link is invalid or has expired";
      back.hash = `${new URLSearchParams({ error: "access_denied", error_code: "otp_expired", error_description })}`;
    } else if (link.challenge) back.searchParams.set("code", codes.give(link));
    else {
      const { user: _, expires_in, expires_at, ...tokens } = await session(link.user);
      const times = { expires_in: `${expires_in}`, expires_at: `${expires_at}` };
      back.hash = `${new URLSearchParams({ ...tokens, ...times, type: "magiclink" })}`;
    }
    return c.redirect(back.href, 303);
  });

  auth.get("/user", async (c) => {
    await requireNoAuth();
    const token = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
    const { sub } = await verified(token, "authenticated", "bad_jwt");
    return c.json(described(await userOf(String(sub))));
  });

  // tokens stay valid until they expire; the page only forgets them
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

  /** Returns undefined if the address is taken. */
  async function newUser(email: string): Promise<User | undefined> {
    const [user] = await runAsOwner<User>(pool, {
      text: "insert into auth.users (id, email) values (gen_random_uuid(), lower($1)) on conflict (email) do nothing returning id, email",
      values: [email],
    });
    return user;
  }

  async function userOf(id: string): Promise<User> {
    const statement = {
      text: "select id, email from auth.users where id::text = $1 and email is not null",
      values: [id],
    };
    const [user] = await runAsOwner<User>(pool, statement);
    return user ?? { id, email: emailOf(id) };
  }

  async function session(user: User) {
    const access_token = await userToken(key, project, user.id);
    const refresh_token = await signed(key, project, user.id, {}, refreshAudience, month);
    const expires_at = Math.floor(Date.now() / 1000) + tokenLifetime;
    const expires_in = tokenLifetime;
    return { access_token, token_type: "bearer", expires_in, expires_at, refresh_token, user: described(user) };
  }

  async function verified(token: string, audience: string, code: string): Promise<JWTPayload> {
    try {
      const options = { algorithms: ["ES256"], audience, issuer: `${project}/auth/v1` };
      return (await jwtVerify(token, key.publicKey, options)).payload;
    } catch {
      throw new AuthFailure(code === "bad_jwt" ? 401 : 400, code, "sign in again");
    }
  }

  /** The redirect target of a link: a page on this machine only, as by a project's Redirect URLs. */
  function backTo(asked = ""): URL {
    const isOurs =
      URL.canParse(asked) && /^https?:$/.test(new URL(asked).protocol) && isLoopback(new URL(asked).hostname);
    return new URL(isOurs ? asked : `${project}/`);
  }
}

function described({ id, email }: User) {
  const created_at = new Date().toISOString();
  return {
    id,
    email,
    aud: "authenticated",
    role: "authenticated",
    app_metadata: {},
    user_metadata: {},
    created_at,
  };
}

/** PKCE code challenge by the method S256. */
async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...hash))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
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
