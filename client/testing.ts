/** For tests of tracked events: a browser's storage, and a client whose network may be cut. */
import { createClient } from "@supabase/supabase-js";
import { type Event, type EventStorage, type Recsys, type RecsysOptions, recsys, type Tracked } from "./src/index.ts";

/** As localStorage. */
export function storage(): EventStorage & { keys(): string[] } {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    key: (i) => [...kept.keys()][i] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    keys: () => [...kept.keys()],
  };
}

export interface TestPage extends Recsys {
  /** Every batch of events that was sent, whatever came of it. */
  sent: Event[][];
  refused: Tracked[];
  /** What stands between this page and the functions. */
  network: typeof fetch;
}

/** A page on which the user `userId` is signed in. */
export function openPage(
  gateway: { url: string; publishableKey: string; tokenOf(userId: string): Promise<string> },
  userId: string | (() => string | null),
  options: Partial<RecsysOptions> = {},
): TestPage {
  const accessToken = async () => {
    const id = typeof userId === "string" ? userId : userId();
    return id && (await gateway.tokenOf(id));
  };
  const page = { sent: [], refused: [], network: fetch } as unknown as TestPage;
  const counted: typeof fetch = async (input, init) => {
    if (String(input).endsWith("/events")) page.sent.push(JSON.parse(String(init?.body)).events);
    return await page.network(input, init);
  };
  const supabase = createClient(gateway.url, gateway.publishableKey, { accessToken, global: { fetch: counted } });
  const onRefused = (report: Tracked) => void page.refused.push(report);
  return Object.assign(page, recsys(supabase, { accessToken, storage: null, onRefused, ...options }));
}

export const noNetwork: typeof fetch = async () => {
  throw new TypeError("no network");
};
