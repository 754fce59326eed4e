/** What a file of stories needs: a community with its functions and pages, and a browser. */
import { after, type TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { createReverseScope, eitherDatabase } from "../../db/testing.ts";
import { keptBrowser, openPage, withoutBrowser } from "../../testing/browser.ts";
import { servedCommunity } from "./community.ts";

type ServedPages = Awaited<ReturnType<typeof servedCommunity>>;

export interface Stories extends ServedPages {
  /** Of each test: left out where there is no browser. */
  options: { skip: string | boolean };
  browser: Browser;
  /** A page of a reader's own; what went wrong in it is in `wrong`. */
  open(t: TestContext, options?: BrowserContextOptions): Promise<{ page: Page; wrong: string[] }>;
  /** The same; after the test, interactions and preferences of readers are deleted. */
  openFresh: Stories["open"];
}

/** The tables of interactions and preferences of readers. */
const readerTables = [
  ...["comments", "post_votes", "post_views", "follows", "mutes", "preferences"].map((table) => `public.${table}`),
  "recsys.dismissals",
];

/** `name`: of the database, which `openDatabase` gives. All of it is gone after the file's tests. */
export async function startStories(name: string, openDatabase = eitherDatabase): Promise<Stories> {
  const options = { skip: withoutBrowser };
  if (withoutBrowser) return { options } as Stories;
  const scope = createReverseScope({ after });
  const community = await servedCommunity(scope, name, openDatabase);
  const browser = await keptBrowser(scope);
  const open: Stories["open"] = async (t, options) => {
    const opened = await openPage(browser, community.gateway.url, options);
    t.after(async () => {
      // a request that a test still holds is no failure
      await opened.page.unrouteAll({ behavior: "ignoreErrors" });
      await opened.page.context().close();
    });
    return opened;
  };
  const openFresh: Stories["open"] = async (t, options) => {
    const opened = await open(t, options);
    t.after(async () => {
      for (const table of readerTables) await community.pool.query(`delete from ${table}`);
    });
    return opened;
  };
  return { ...community, options, browser, open, openFresh };
}
