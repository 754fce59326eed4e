import type { RuntimeName } from "../_shared/models/inference.ts";
import type { Feed } from "../_shared/recommend/feed.ts";
import { type TestApp, testFunction } from "../testing.ts";
import { recommendFunction } from "./handler.ts";
import type { FeedRequest } from "./request.ts";

/** For tests: the function `recommend`; see `testFunction`. */
export function testApp(
  scope: { after(clean: () => Promise<void>): void },
  url: string,
  options: { runtime?: RuntimeName; preview?: boolean } = {},
): TestApp<Feed> {
  return testFunction<FeedRequest, Feed>(scope, url, recommendFunction, options);
}
