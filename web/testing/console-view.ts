/** For tests of the console: its views, with the key of an earlier address. */
import type { Page } from "playwright-core";

/** Opens a view, and waits until all that it asks is answered. `site`: the community's address. */
export async function openView(page: Page, site: string, view: string): Promise<void> {
  const [name] = view.split("/");
  await page.goto(`${site}/console/#${view}`);
  await page.locator(`nav a[href="#${name}"][aria-current]`).waitFor();
  await page.locator("section.panel").first().waitFor();
  await page.getByText("One moment …").first().waitFor({ state: "detached" });
}
