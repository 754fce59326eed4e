import type { PageRequest } from "./page-requests.ts";
import type { Request } from "./requests.ts";

/** What the ranker learns from: a first interaction, or a page. */
export type RankerRequest = Request | PageRequest;
