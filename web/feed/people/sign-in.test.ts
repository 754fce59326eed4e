/** Signing in as a person would, on a stand-in for Supabase Auth (web/testing/auth.ts): with a password, by links, by another account. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { expired, standInAuth } from "../../testing/auth.ts";
import { seriousIn } from "../../testing/axe.ts";
import { phone, phoneFaults } from "../../testing/phone.ts";
import { eventually } from "../../testing/steps.ts";
import { startStories } from "../../testing/stories.ts";

const { gateway, pool, options, open } = await startStories("sign_in");
const site = options.skip ? "" : `${gateway.url}/`;

/** A page at the sign-in of a project with an Auth of its own. */
async function atSignIn(t: TestContext, more?: BrowserContextOptions) {
  const opened = await open(t, more);
  const auth = await standInAuth(opened.page.context(), { gateway, pool });
  await opened.page.goto(`${site}#people`);
  await opened.page.getByLabel("E-mail address").waitFor();
  return { ...opened, auth };
}

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const says = (page: Page, text: string | RegExp) => page.getByRole("alert").getByText(text).waitFor();
async function fill(page: Page, email: string, password = "correct horse"): Promise<void> {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
}
/** A user without a profile yet is in when they are asked for one. */
const isIn = (page: Page) => page.getByRole("heading", { name: "Welcome" }).waitFor();
/** From now on they have a profile, and their feed is the first that they see. */
const giveProfile = (email: string) =>
  pool.query("insert into public.profiles (id, passions) select id, '{chess}' from auth.users where email = $1", [
    email,
  ]);
const visits = async (email: string) =>
  (await pool.query("select from public.logins join auth.users on users.id = user_id where email = $1", [email]))
    .rowCount;
async function signOut(page: Page): Promise<void> {
  await press(page, "Sign out");
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
}
/** What the page says once an e-mail was asked for, of whichever address. */
async function answerTo(page: Page, email: string, button: string): Promise<string> {
  await page.getByLabel("E-mail address").fill(email);
  await press(page, button);
  const text = (await page.getByText(/an e-mail is on its way/).textContent()) ?? "";
  await page.locator("p:focus", { hasText: "an e-mail is on its way" }).waitFor();
  await press(page, "Back");
  return text.replaceAll(email, "ADDRESS");
}

test("with a password: what is wrong is said in a line, the same for every address", options, async (t) => {
  const { page, auth, wrong } = await atSignIn(t);
  auth.settings.mailer_autoconfirm = true;
  await fill(page, "nina@example.com");
  await press(page, "I am new here");
  await isIn(page);
  await signOut(page);
  for (const email of ["nina@example.com", "nobody@example.com"]) {
    await fill(page, email, "wrong horse");
    await press(page, "Sign in");
    await says(page, "E-mail address and password do not go together.");
    assert.equal(await page.getByRole("alert").count(), 1);
  }
  await fill(page, "nina@example.com");
  await press(page, "I am new here");
  await says(page, "No account could be made of these.");
  await press(page, "Sign in");
  await isIn(page);
  assert.equal(await page.getByRole("button", { name: "Be somebody else" }).count(), 0);
  await signOut(page);
  await giveProfile("nina@example.com");
  await fill(page, "nina@example.com");
  await press(page, "Sign in");
  await page.locator("li.post").first().waitFor();
  await eventually(async () => (await visits("nina@example.com")) !== 0, true);
  assert.deepEqual(wrong, []);
});

test("a new address is confirmed by an e-mail; one that is known hears the same", options, async (t) => {
  const { page, auth, wrong } = await atSignIn(t);
  const asNew = async () => {
    await page.getByLabel("Password").fill("correct horse");
    return await answerTo(page, "olga@example.com", "I am new here");
  };
  const first = await asNew();
  await fill(page, "olga@example.com");
  await press(page, "Sign in");
  await says(page, "Follow the link in the e-mail that was sent to you first.");
  await page.goto(auth.mails[0].link);
  await isIn(page);
  assert.equal(new URL(page.url()).hash.replace("#", ""), "", "no token stays in the address");
  await signOut(page);
  assert.equal(await asNew(), first);
  assert.deepEqual(
    auth.mails.map(({ to, type }) => [to, type]),
    [["olga@example.com", "signup"]],
  );
  assert.deepEqual(wrong, []);
});

test("by a link, which works once; then the page says so and sends another", options, async (t) => {
  const { page, auth, wrong } = await atSignIn(t);
  await press(page, "Sign in by a link instead");
  assert.equal(auth.mails.length, 0, "it takes an address");
  await answerTo(page, "pia@example.com", "Sign in by a link instead");
  // for a user without a profile it is not stored; answered later than they have one, it would be
  const visit = page.waitForResponse("**/functions/v1/events");
  await page.goto(auth.mails[0].link);
  await isIn(page);
  await visit;
  await signOut(page);
  await page.goto(auth.mails[0].link);
  await says(page, "That link has expired or was used before. Have a new one sent to you.");
  assert.deepEqual(await seriousIn(page), []);
  await page.reload();
  await says(page, "That link has expired");
  await answerTo(page, "pia@example.com", "Sign in by a link instead");
  await giveProfile("pia@example.com");
  await page.goto(auth.mails[1].link);
  await page.locator("li.post").first().waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  await eventually(() => visits("pia@example.com"), 1);
  assert.deepEqual(wrong, []);
});

test("where nobody new is taken, a link is asked for by strangers as by members", options, async (t) => {
  const { page, auth } = await atSignIn(t);
  const known = await answerTo(page, "quinn@example.com", "Sign in by a link instead");
  auth.settings.disable_signup = true;
  await page.reload();
  await page.getByRole("button", { name: "I am new here" }).waitFor({ state: "detached" });
  assert.equal(await answerTo(page, "quinn@example.com", "Sign in by a link instead"), known);
  assert.equal(await answerTo(page, "stranger@example.com", "Sign in by a link instead"), known);
  assert.deepEqual(new Set(auth.mails.map(({ to }) => to)), new Set(["quinn@example.com"]));
});

test("an expired link is said wherever Auth writes it, and to whoever is signed in already", options, async (t) => {
  const { page, auth, wrong } = await atSignIn(t);
  for (const address of [`${site}#${expired}`, `${site}?${expired}`, `${site}?${expired}#${expired}`]) {
    await page.goto("about:blank");
    await page.goto(address);
    await says(page, "That link has expired or was used before.");
    assert.equal(page.url(), `${site}#people/otp_expired`);
  }
  await t.test("what anybody could write into an address is not repeated", async () => {
    for (const error of ["error=x&error_description=Call+555-1234", "error_code=<b>&error_description=y"]) {
      await page.goto("about:blank");
      await page.goto(`${site}#${error}`);
      await says(page, "Signing in did not work. Try again, or another way.");
      assert.ok(!(await page.locator("body").textContent())?.includes("555"));
    }
  });
  await t.test("it signs nobody out", async () => {
    auth.settings.mailer_autoconfirm = true;
    await fill(page, "rhea@example.com");
    await press(page, "I am new here");
    await isIn(page);
    await page.getByLabel("What do you care about?").fill("chess");
    await press(page, "Show me my feed");
    await page.locator("li.post").first().waitFor();
    await page.goto("about:blank");
    await page.goto(`${site}#${expired}`);
    await says(page, "That link has expired or was used before.");
    await page.getByText("On this device you are signed in already").waitFor();
    await page.getByRole("link", { name: "To your feed" }).click();
    await page.locator("li.post").first().waitFor();
  });
  assert.deepEqual(wrong, []);
});

test("a forgotten password is reset by a link", options, async (t) => {
  const { page, auth, wrong } = await atSignIn(t);
  const unknown = await answerTo(page, "sam@example.com", "Forgot your password?");
  assert.equal(auth.mails.length, 0);
  auth.settings.mailer_autoconfirm = true;
  await fill(page, "sam@example.com");
  await press(page, "I am new here");
  await isIn(page);
  await signOut(page);
  assert.equal(await answerTo(page, "sam@example.com", "Forgot your password?"), unknown);
  await page.goto(auth.mails[0].link);
  const field = page.getByLabel("New password");
  await field.waitFor();
  assert.deepEqual(await seriousIn(page), []);
  await page.reload();
  for (const [password, answer] of [
    ["shorter", "Password should be at least 8 characters."],
    ["correct horse", "That is the password you have. Choose another one."],
  ]) {
    await field.fill(password);
    await press(page, "Set it");
    await says(page, answer);
  }
  await field.fill("battery staple");
  await press(page, "Set it");
  await page.getByRole("status").getByText("Your new password is set.").waitFor();
  await page.getByRole("link", { name: "To your feed" }).click();
  await isIn(page);
  await signOut(page);
  await fill(page, "sam@example.com");
  await press(page, "Sign in");
  await says(page, "E-mail address and password do not go together.");
  await fill(page, "sam@example.com", "battery staple");
  await press(page, "Sign in");
  await isIn(page);
  await page.getByRole("link", { name: "Set a new password" }).click();
  await field.waitFor();
  assert.deepEqual(wrong, []);
});

test("by another account, where the project has switched that on", options, async (t) => {
  const { page, auth, wrong } = await atSignIn(t);
  const providers = page.getByRole("list", { name: "Sign in with another account" });
  assert.equal(await providers.count(), 0);
  Object.assign(auth.settings.external, { github: true, google: false, linkedin_oidc: true, anonymous_users: true });
  await page.reload();
  await providers.waitFor();
  assert.deepEqual(await providers.getByRole("button").allTextContents(), [
    "Continue with GitHub",
    "Continue with LinkedIn",
  ]);
  auth.providerAllows = false;
  await press(page, "Continue with GitHub");
  await says(page, "You were not signed in, since it was not allowed there.");
  auth.providerAllows = true;
  await press(page, "Continue with GitHub");
  await isIn(page);
  await t.test("and nothing else, where e-mail is off", async () => {
    await signOut(page);
    auth.settings.external.email = false;
    await page.reload();
    await page.getByLabel("E-mail address").waitFor({ state: "detached" });
    await providers.waitFor();
  });
  assert.deepEqual(wrong, []);
});

test("pressed twice it is asked once; where Auth does not answer, the page says so", options, async (t) => {
  const { page, auth } = await atSignIn(t);
  await page.getByLabel("E-mail address").fill("tom@example.com");
  await page.getByRole("button", { name: "Sign in by a link instead" }).dblclick();
  await page.getByText(/an e-mail is on its way/).waitFor();
  assert.equal(auth.asked.filter((each) => each === "POST otp").length, 1);
  for (const answer of ["abort", 503] as const) {
    await page
      .context()
      .route("**/auth/v1/*", (route) =>
        answer === "abort" ? route.abort() : route.fulfill({ status: answer, json: { msg: "upstream" } }),
      );
    await page.reload();
    await fill(page, "tom@example.com");
    await press(page, "Sign in");
    await says(page, "Signing in does not work right now. Try again in a minute.");
    await page.goto("about:blank");
    const session = "access_token=a.b.c&expires_in=3600&refresh_token=d&token_type=bearer&type=magiclink";
    await page.goto(`${site}#${session}`);
    await says(page, "Signing in does not work right now. Try again in a minute.");
  }
});

test("whoever signs out and at once presses the way in again stays there", options, async (t) => {
  const { page, auth } = await atSignIn(t);
  auth.settings.mailer_autoconfirm = true;
  await fill(page, "uma@example.com");
  await press(page, "I am new here");
  await isIn(page);
  await page.evaluate(() => {
    const watcher = new MutationObserver(() => {
      const link = [...document.querySelectorAll("nav a")].find(({ textContent }) => textContent === "Sign in");
      if (!link) return;
      watcher.disconnect();
      (link as HTMLElement).click();
    });
    watcher.observe(document.body, { childList: true, subtree: true });
  });
  await press(page, "Sign out");
  await page.waitForURL(/#people$/);
  await page.waitForTimeout(300);
  assert.match(page.url(), /#people$/);
  await page.getByLabel("E-mail address").waitFor();
});

test("every step fits a phone", options, async (t) => {
  const { page, auth } = await atSignIn(t, { viewport: phone, hasTouch: true });
  Object.assign(auth.settings.external, { github: true, linkedin_oidc: true });
  await page.goto("about:blank");
  await page.goto(`${site}#${expired}`);
  await page.getByRole("button", { name: "Continue with GitHub" }).waitFor();
  assert.deepEqual(await phoneFaults(page), []);
  const email = "a-rather-long-address.of.somebody@mail.example.com";
  await page.getByLabel("E-mail address").fill(email);
  await press(page, "Sign in by a link instead");
  await page.getByText(/an e-mail is on its way/).waitFor();
  assert.deepEqual(await phoneFaults(page), []);
  await page.goto(auth.mails[0].link);
  await isIn(page);
  assert.deepEqual(await phoneFaults(page), []);
  await page.goto(`${site}#new-password`);
  await page.getByLabel("New password").waitFor();
  assert.deepEqual(await phoneFaults(page), []);
});
