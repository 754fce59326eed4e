/**
 * For tests of the sign-in: a stand-in for Supabase Auth, by its documented requests and answers as far as supabase-js and the page send them.
 * Passwords, links that work once and sessions are real, with tokens that local functions verify; no time limits, captchas or second factors.
 */
import type { BrowserContext, Route } from "playwright-core";
import type { servedCommunity } from "./community.ts";

interface Account {
  id: string;
  password: string | undefined;
  confirmed: boolean;
}

type Mail = { to: string; type: "signup" | "magiclink" | "recovery"; link: string };

interface AuthStandIn {
  /** What it says of itself: which providers there are, whether new people may come, whether they have to answer an e-mail. */
  settings: { external: Record<string, boolean>; disable_signup: boolean; mailer_autoconfirm: boolean };
  /** The e-mails it sent, the latest last. */
  mails: Mail[];
  /** Whether the provider lets its users in. */
  providerAllows: boolean;
  /** The paths it was asked, with their methods. */
  asked: string[];
}

/** Answers for the pages of a context, instead of the local stand-in that lets everybody in; of these config.json says nothing of members. */
export async function standInAuth(
  context: BrowserContext,
  { gateway, pool }: Pick<Awaited<ReturnType<typeof servedCommunity>>, "gateway" | "pool">,
): Promise<AuthStandIn> {
  const auth: AuthStandIn = {
    settings: { external: { email: true, phone: false }, disable_signup: false, mailer_autoconfirm: false },
    mails: [],
    providerAllows: true,
    asked: [],
  };
  const accounts = new Map<string, Account>();
  const links = new Map<string, { email: string; type: Mail["type"] }>();

  async function newAccount(email: string, password?: string): Promise<Account> {
    const { rows } = await pool.query(
      "insert into auth.users (id, email) values (gen_random_uuid(), $1) on conflict (email) do update set email = excluded.email returning id",
      [email],
    );
    const account = { id: rows[0].id, password, confirmed: false };
    accounts.set(email, account);
    return account;
  }

  const userOf = (email: string, { id }: Account) => ({ id, email, aud: "authenticated", role: "authenticated" });

  async function sessionOf(email: string) {
    const account = accounts.get(email) as Account;
    return {
      access_token: await gateway.tokenOf(account.id),
      token_type: "bearer",
      expires_in: 3600,
      expires_at: Math.floor(Date.now() / 1000) + 3600,
      refresh_token: `refresh ${email}`,
      user: userOf(email, account),
    };
  }

  function mail(to: string, type: Mail["type"], redirectTo: string | null): void {
    const token = crypto.randomUUID();
    links.set(token, { email: to, type });
    // an address that is not among the project's is not led to
    const back = redirectTo?.startsWith(gateway.url) ? redirectTo : gateway.url;
    const link = `${gateway.url}/auth/v1/verify?token=${token}&type=${type}&redirect_to=${encodeURIComponent(back)}`;
    auth.mails.push({ to, type, link });
  }

  async function lead(route: Route, back: string, email: string, type: string): Promise<void> {
    const { user: _, ...session } = await sessionOf(email);
    const parts = new URLSearchParams({ ...session, expires_in: "3600", expires_at: `${session.expires_at}`, type });
    await route.fulfill({ status: 303, headers: { location: `${back}#${parts}` } });
  }

  const refuse = (route: Route, status: number, error_code: string, msg: string, more = {}) =>
    route.fulfill({ status, json: { code: status, error_code, msg, ...more } });
  const accountOf = (route: Route): [string, Account] | undefined => {
    const [, payload] = route.request().headers().authorization?.split(".") ?? [];
    const { sub } = JSON.parse(Buffer.from(payload ?? "e30", "base64url").toString());
    return [...accounts].find(([, { id }]) => id === sub);
  };

  const answers: Record<string, (route: Route, url: URL, body: Record<string, unknown>) => Promise<unknown>> = {
    "GET settings": (route) => route.fulfill({ json: auth.settings }),
    "POST signup": async (route, url, { email, password }) => {
      if (auth.settings.disable_signup)
        return refuse(route, 422, "signup_disabled", "Signups not allowed for this instance");
      const to = String(email);
      const known = accounts.get(to);
      if (auth.settings.mailer_autoconfirm) {
        if (known) return refuse(route, 422, "user_already_exists", "User already registered");
        (await newAccount(to, String(password))).confirmed = true;
        return route.fulfill({ json: await sessionOf(to) });
      }
      // for an existing account it says the same, with an id of no user, and sends nothing
      if (known?.confirmed)
        return route.fulfill({ json: { ...userOf(to, known), id: crypto.randomUUID(), identities: [] } });
      const account = await newAccount(to, String(password));
      mail(to, "signup", url.searchParams.get("redirect_to"));
      return route.fulfill({ json: userOf(to, account) });
    },
    "POST token": async (route, url, { email, password, refresh_token }) => {
      if (url.searchParams.get("grant_type") === "refresh_token")
        return route.fulfill({ json: await sessionOf(String(refresh_token).replace("refresh ", "")) });
      const account = accounts.get(String(email));
      if (!account?.password || account.password !== password)
        return refuse(route, 400, "invalid_credentials", "Invalid login credentials");
      if (!account.confirmed) return refuse(route, 400, "email_not_confirmed", "Email not confirmed");
      return route.fulfill({ json: await sessionOf(String(email)) });
    },
    "POST otp": async (route, url, { email }) => {
      const to = String(email);
      if (!accounts.has(to) && auth.settings.disable_signup)
        return refuse(route, 422, "otp_disabled", "Signups not allowed for otp");
      if (!accounts.has(to)) await newAccount(to);
      mail(to, "magiclink", url.searchParams.get("redirect_to"));
      return route.fulfill({ json: {} });
    },
    "POST recover": async (route, url, { email }) => {
      if (accounts.has(String(email))) mail(String(email), "recovery", url.searchParams.get("redirect_to"));
      return route.fulfill({ json: {} });
    },
    "GET verify": async (route, url) => {
      const back = url.searchParams.get("redirect_to") ?? gateway.url;
      const token = url.searchParams.get("token") ?? "";
      const link = links.get(token);
      links.delete(token);
      if (!link) return route.fulfill({ status: 303, headers: { location: `${back}#${expired}` } });
      (accounts.get(link.email) as Account).confirmed = true;
      return lead(route, back, link.email, link.type);
    },
    "GET authorize": async (route, url) => {
      const back = url.searchParams.get("redirect_to") ?? gateway.url;
      const no = "error=access_denied&error_description=The+user+denied+access";
      if (!auth.providerAllows) return route.fulfill({ status: 302, headers: { location: `${back}?${no}#${no}` } });
      const email = `somebody@${url.searchParams.get("provider")}.example`;
      if (!accounts.has(email)) (await newAccount(email)).confirmed = true;
      return lead(route, back, email, "signup");
    },
    "GET user": async (route) => {
      const found = accountOf(route);
      return found ? route.fulfill({ json: userOf(...found) }) : refuse(route, 403, "bad_jwt", "invalid JWT");
    },
    "PUT user": async (route, _, { password }) => {
      const found = accountOf(route);
      if (!found) return refuse(route, 403, "bad_jwt", "invalid JWT");
      const [email, account] = found;
      if (String(password).length < 8)
        return refuse(route, 422, "weak_password", "Password should be at least 8 characters.", {
          weak_password: { reasons: ["length"] },
        });
      if (account.password === password)
        return refuse(route, 422, "same_password", "New password should be different from the old password.");
      account.password = String(password);
      return route.fulfill({ json: userOf(email, account) });
    },
    "POST logout": (route) => route.fulfill({ status: 204 }),
  };

  const { url, publishableKey: key } = gateway;
  await context.route("**/config.json", (route) => route.fulfill({ json: { url, key } }));
  await context.route("**/auth/v1/**", async (route) => {
    const request = route.request();
    const asked = new URL(request.url());
    const name = `${request.method()} ${asked.pathname.replace("/auth/v1/", "")}`;
    auth.asked.push(name);
    await (answers[name]?.(route, asked, request.postDataJSON() ?? {}) ?? route.continue());
  });
  return auth;
}

/** What Auth writes behind # where a link has expired or was used. */
export const expired =
  "error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid+or+has+expired";
