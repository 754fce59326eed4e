import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { type TestApp, type TestOptions, testFunction } from "../testing.ts";
import type { FeedRequest } from "./api.ts";
import { recommendFunction } from "./handler.ts";

/** For tests: the function `recommend`; see `testFunction`. */
export function testApp(
  scope: { after(clean: () => Promise<void>): void },
  url: string,
  options: TestOptions = {},
): TestApp<Feed> {
  return testFunction<FeedRequest, Feed>(scope, url, recommendFunction, options);
}
