import { type TestApp, type TestOptions, testFunction } from "../testing.ts";
import type { SimilarRequest } from "./api.ts";
import { similarFunction } from "./handler.ts";

/** What any kind of answer has. */
export interface AnySimilar {
  find: string;
  model: { id: number; name: string } | null;
  items: { post_id?: string; user_id?: string; title?: string; topic?: string; group?: string; why?: object }[];
  people?: number | null;
}

/** For tests: the function `similar`; see `testFunction`. */
export function testApp(
  scope: { after(clean: () => Promise<void>): void },
  url: string,
  options: TestOptions = {},
): TestApp<AnySimilar> {
  return testFunction<SimilarRequest, AnySimilar>(scope, url, similarFunction, options);
}
