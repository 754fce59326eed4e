/** Which requests the local server accepts, by the headers of browsers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Askers, refusalOf } from "./guard.ts";

const here = "http://localhost:54321/functions/v1/recommend";
const refused = (url: string, headers: Record<string, string>, askers: Askers) =>
  refusalOf(url, new Headers(headers), askers) !== undefined;

for (const [name, headers, ofMachine, ofPage] of [
  ["a program that is no browser", {}, false, false],
  ["the page itself", { origin: "http://localhost:54321", "sec-fetch-site": "same-origin" }, false, false],
  ["the page itself, reading", { "sec-fetch-site": "same-origin" }, false, false],
  ["an address typed by hand", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, false, false],
  ["an app in development", { origin: "http://localhost:3000", "sec-fetch-site": "same-site" }, false, true],
  ["the same by number", { origin: "http://127.0.0.1:3000", "sec-fetch-site": "cross-site" }, false, true],
  ["an image on such an app", { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }, false, true],
  ["another website", { origin: "https://example.com", "sec-fetch-site": "cross-site" }, true, true],
  ["one that is called like here", { origin: "https://localhost.example.com" }, true, true],
  ["a sandboxed frame, or a file", { origin: "null" }, true, true],
  ["an origin that is none", { origin: "localhost" }, true, true],
  ["an image on another website", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, true, true],
  [
    "a frame on another website",
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
    true,
    true,
  ],
  [
    "a link on another website",
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    false,
    false,
  ],
] as [string, Record<string, string>, boolean, boolean][])
  test(`${name} may ask ${ofMachine ? "nothing" : ofPage ? "the functions" : "all"}`, () => {
    assert.deepEqual([refused(here, headers, "machine"), refused(here, headers, "page")], [ofMachine, ofPage]);
  });

test("a name that was made to mean this machine is refused, numbers are not", () => {
  for (const [host, isRefused] of [
    ["rebound.example.com:54321", true],
    ["localhost.example.com", true],
    ["127.0.0.1.example.com", true],
    ["127.0.0.1:54321", false],
    ["[::1]:54321", false],
    ["app.localhost:54321", false],
    ["10.0.2.2:54321", false],
  ] as const)
    assert.equal(refused(`http://${host}/`, { origin: `http://${host}` }, "page"), isRefused, host);
});
