import type { Event } from "./types.ts";

/** Where events wait: localStorage, or whatever is like it. */
export type EventStorage = Pick<Storage, "length" | "key" | "getItem" | "setItem" | "removeItem">;

/** An event that waits until it is sent. */
export interface WaitingEvent {
  owner: string;
  /** When it was tracked, in milliseconds of this device's clock; each has another. */
  at: number;
  event: Event;
}

/** Events that outlive the page, each under a key of its own, so that tabs do not overwrite those of one another. */
export interface EventStore {
  add(waiting: WaitingEvent): void;
  remove(waiting: WaitingEvent): void;
  /** Those of one user, the oldest first. */
  of(owner: string): WaitingEvent[];
  /** Whether any events are kept, of any user. */
  hasAny(): boolean;
}

const prefix = "recsys:";
/** The functions take none that are older. */
const keptFor = 30 * 24 * 3_600_000;

/** `storage` may be full, forbidden or hold anything: what cannot be kept there is kept by the page alone. */
export function openStore(storage: EventStorage | null): EventStore {
  const attempt = <Result>(work: (storage: EventStorage) => Result, otherwise: Result): Result => {
    try {
      return storage ? work(storage) : otherwise;
    } catch {
      return otherwise;
    }
  };
  const keyOf = ({ owner, at, event }: WaitingEvent) => `${prefix}${owner}:${at}:${event.id}`;
  const keys = () =>
    attempt((storage) => {
      const all = Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
      return all.filter((key) => key.startsWith(prefix) && /:\d{13}:[^:]+$/.test(key));
    }, []);
  const remove = (key: string) => attempt((storage) => storage.removeItem(key), undefined);
  const timeOf = (key: string) => Number(key.split(":").at(-2));
  for (const key of keys()) if (timeOf(key) < Date.now() - keptFor) remove(key);

  return {
    add: (waiting) => attempt((storage) => storage.setItem(keyOf(waiting), JSON.stringify(waiting.event)), undefined),
    remove: (waiting) => remove(keyOf(waiting)),
    hasAny: () => keys().length > 0,
    of(owner) {
      const found = keys().filter((key) => key.startsWith(`${prefix}${owner}:`));
      return found
        .sort((a, b) => timeOf(a) - timeOf(b))
        .flatMap((key) => {
          const event = attempt((storage) => JSON.parse(storage.getItem(key) ?? "null"), null);
          if (typeof event?.id === "string" && key.endsWith(`:${event.id}`)) return [{ owner, at: timeOf(key), event }];
          // an event without a user, or one that another tab has sent meanwhile
          remove(key);
          return [];
        });
    },
  };
}

/** localStorage, where this is a page that may have it. */
export function pageStorage(): EventStorage | null {
  try {
    return typeof document === "undefined" ? null : localStorage;
  } catch {
    return null;
  }
}
