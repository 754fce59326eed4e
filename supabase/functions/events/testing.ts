import { type TestApp, testFunction } from "../testing.ts";
import type { Report } from "./api.ts";
import type { Checked } from "./check-events.ts";
import { eventsFunction } from "./handler.ts";

export interface EventsApp extends TestApp<Report> {
  /** Sends events as a user; the outcome of each: its status, or the code of its refusal. */
  send(userId: string, ...events: unknown[]): Promise<string[]>;
}

/** For tests: the function `events`; see `testFunction`. */
export function testApp(
  scope: { after(clean: () => Promise<void>): void },
  url: string,
  options: { preview?: boolean } = {},
): EventsApp {
  const app = testFunction<Checked[], Report>(scope, url, eventsFunction, options);
  return {
    ...app,
    async send(userId, ...events) {
      const { status, body } = await app.call(userId, { events });
      if (status !== 200) throw new Error(`${status} ${body.error?.code}`);
      return body.events.map((report) => report.code ?? report.status);
    },
  };
}

/** An event with an id of its own. */
export function event(type: string, fields: object = {}): Record<string, unknown> & { id: string } {
  return { id: crypto.randomUUID(), type, ...fields };
}
