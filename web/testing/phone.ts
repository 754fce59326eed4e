/** For tests of the pages on a small screen: what of a view a thumb or an eye would complain about. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { pickCases } from "../../testing/courses.ts";
import { seriousIn } from "./axe.ts";
import type { Stories } from "./stories.ts";

/** The narrowest phone there is any sense in (iPhone SE of 2016), which is also 1280 pixels at 400 %: WCAG 2.2, 1.4.10. */
export const phone = { width: 320, height: 640 };

/**
 * The faults of a view: wider than the screen, text outside its card, cut-off links, targets below 24 pixels (WCAG 2.2, 2.5.8, except links
 * in text), radio buttons and checkboxes like fields, tables out of sight, and fixed elements over more than a tenth of the screen.
 */
export async function phoneFaults(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const faults: string[] = [];
    const named = (element: Element) => `${element.localName} “${(element.textContent ?? "").trim().slice(0, 30)}”`;
    const all = (selector: string) =>
      [...document.querySelectorAll<HTMLElement>(selector)].filter((each) => each.checkVisibility());
    const { scrollWidth, clientWidth } = document.scrollingElement as Element;
    if (scrollWidth > clientWidth) faults.push(`the page is ${scrollWidth - clientWidth} pixels too wide`);
    for (const card of all(".card")) {
      const edge = card.getBoundingClientRect().right - Number.parseFloat(getComputedStyle(card).paddingRight);
      for (const element of card.querySelectorAll("*")) {
        // what scrolls by itself, the parts of a drawing, and what is for screen readers alone
        if (element.closest(".wide table, pre, svg, .hidden")) continue;
        const range = document.createRange();
        for (const text of [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
          range.selectNodeContents(text);
          const by = range.getBoundingClientRect().right - edge;
          if (by > 1) faults.push(`${named(element)} is ${Math.round(by)} pixels outside its card`);
        }
      }
    }
    for (const link of all("nav a")) {
      const { left, right } = link.getBoundingClientRect();
      // a user's name, which comes last, may be longer than there is room
      const isShortened = link.scrollWidth > link.clientWidth && link.matches(":not(:last-child)");
      if (left < 0 || right > innerWidth || isShortened) faults.push(`${named(link)} is cut off`);
    }
    for (const target of all("a, button, summary, input, textarea")) {
      if (getComputedStyle(target).display === "inline" || target.matches(".skip, [type=radio], [type=checkbox]"))
        continue;
      const { width, height, right } = target.getBoundingClientRect();
      if (right > innerWidth && !target.closest(".wide")) faults.push(`${named(target)} ends beyond the screen`);
      if (width < 24 || height < 24) faults.push(`${named(target)} is ${Math.round(width)} × ${Math.round(height)}`);
    }
    // of these the label is pressed, and a sign of the size of text stands at its start
    for (const box of all("[type=radio], [type=checkbox]")) {
      const sign = box.getBoundingClientRect();
      const label = box.closest("label") ?? box;
      const line = label.getBoundingClientRect();
      const isSign = sign.width >= 16 && sign.width <= 24 && sign.width === sign.height;
      if (!isSign) faults.push(`the sign of ${named(label)} is ${sign.width} × ${sign.height}`);
      if (sign.left - line.left > 8) faults.push(`the sign of ${named(label)} is not at its start`);
      if (line.height < 44) faults.push(`${named(label)} is ${line.height} pixels high`);
    }
    for (const table of all(".wide"))
      if (table.scrollWidth > table.clientWidth) faults.push(`${table.ariaLabel} goes on beyond the screen`);
    for (const element of all("body *")) {
      if (!["sticky", "fixed"].includes(getComputedStyle(element).position)) continue;
      const share = element.getBoundingClientRect().height / innerHeight;
      if (share > 0.1) faults.push(`${named(element)} stays on ${Math.round(100 * share)} % of the screen`);
    }
    return [...new Set(faults)];
  });
}

/** A story at this width, in the light and in the dark, or in one of them (`pickCases`); `look` judges a view as it is. */
export function onPhones(
  { options, open }: Stories,
  story: (page: Page, look: (view: string) => Promise<void>) => Promise<void>,
): void {
  for (const colorScheme of pickCases(["light", "dark"] as const))
    test(`every view fits a phone ${phone.width} pixels wide, ${colorScheme}`, options, async (t: TestContext) => {
      const { page, wrong } = await open(t, { colorScheme, viewport: phone, hasTouch: true });
      await story(page, async (view) => {
        await t.test(view, async () => {
          assert.deepEqual(await phoneFaults(page), []);
          assert.deepEqual(await seriousIn(page, "color-contrast"), []);
        });
      });
      assert.deepEqual(wrong, []);
    });
}
