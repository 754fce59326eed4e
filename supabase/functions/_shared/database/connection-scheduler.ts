/**
 * Whose turn it is with a worker's few connections. First come, first served let five people whose feeds took seconds hold all three, and 52 of 63
 * others were refused.
 */
import { overloaded } from "../http/errors.ts";

/** How long it is remembered what somebody used, in milliseconds: then it is worth a third. */
const memory = 10_000;

/** Whoever holds connections for this long on average is slow, in milliseconds; a feed takes 15 to 30. */
const slow = 1_000;

/**
 * How long somebody waits for a connection, in milliseconds: where nobody is given any, and where others are. Of 16 clients whom one worker gave five
 * feeds a second, each in two turns, a few waited for more than three seconds and were next: to refuse them made room for nobody.
 */
const longestWait = { stuck: 3_000, moving: 5_000 };

/** So many people are remembered. */
const mostRemembered = 1_000;

interface Waiting {
  person: string | undefined;
  isBegun: boolean;
  begin: () => void;
}

/** What one person used lately. */
interface ConnectionUse {
  /** How long they held connections, in milliseconds, and how often; both fade. */
  held: number;
  times: number;
  /** As of when. */
  at: number;
  /** When they took each that they hold now. */
  since: number[];
}

export interface ConnectionScheduler {
  /**
   * Waits for a connection, and resolves to what gives it back. Of those who wait, whoever holds fewest is next, then who is not slow, then who came
   * first; the slow together leave one to the others. Without a person it is the service's own work, which is never slow. Nor is a request that has
   * begun: on a busy machine people whose feeds took a connection for 1.2 s waited in vain for the second time, which is short.
   * @throws AppError 429 `overloaded` after five seconds, Error after three in which nobody was given one
   */
  take(person?: string, isBegun?: boolean): Promise<() => void>;
  /** How many wait. */
  waiting(): number;
}

/** The turns with so many connections. `now`: milliseconds of any clock. */
export function createConnectionScheduler(
  size: number,
  now = () => performance.now(),
  patience = longestWait,
): ConnectionScheduler {
  let free = size;
  /** How many were given so far. */
  let given = 0;
  const uses = new Map<string, ConnectionUse>();
  const line: Waiting[] = [];

  return {
    waiting: () => line.length,
    take(person, isBegun = false) {
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          person,
          isBegun,
          begin() {
            clearTimeout(timer);
            resolve(taken(person));
          },
        };
        const refuse = (error: Error) => {
          const place = line.indexOf(waiting);
          // Deno runs a timer that was cleared when it was due already. Whoever had their turn just then took the last of the line their place, who
          // did the same to another when their own time was over: one waited in vain at any time
          if (place < 0) return;
          line.splice(place, 1);
          reject(error);
        };
        const before = given;
        let timer = setTimeout(() => {
          // the database answers nobody, or it answers others, and there are too many of these
          if (given === before) refuse(new Error("timeout exceeded when waiting for a connection"));
          else timer = setTimeout(() => refuse(overloaded(patience.moving)), patience.moving - patience.stuck);
        }, patience.stuck);
        line.push(waiting);
        next();
      });
    },
  };

  /** Gives what is free to those whose turn it is. */
  function next(): void {
    while (free > 0) {
      // what the slow hold is added up only where one of them waits: it is a walk through all who are remembered
      const maySlow = () => size === 1 || heldBySlow() < size - 1;
      const [first] = line.filter((waiting) => !waitsAsSlow(waiting) || maySlow()).sort(inTurn);
      if (!first) return;
      line.splice(line.indexOf(first), 1);
      first.begin();
    }
  }

  function taken(person: string | undefined): () => void {
    const since = now();
    const use = person === undefined ? undefined : useOf(person);
    use?.since.push(since);
    free--;
    given++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      free++;
      if (use) {
        fade(use);
        use.since.splice(use.since.indexOf(since), 1);
        use.held += now() - since;
        use.times++;
      }
      next();
    };
  }

  /**
   * Sorting is stable, so the first of equals came first. Not by who used them less lately: a feed takes a connection twice, and among 16 people at the same time
   * those who asked for the second time waited behind all who came after them, three seconds and in vain.
   */
  function inTurn(one: Waiting, other: Waiting): number {
    const holds = usedBy(one.person).holds - usedBy(other.person).holds;
    return holds || Number(waitsAsSlow(one)) - Number(waitsAsSlow(other));
  }

  function waitsAsSlow({ person, isBegun }: Waiting): boolean {
    return !isBegun && isSlow(person);
  }

  function heldBySlow(): number {
    let held = 0;
    for (const [person, { since }] of uses) if (since.length > 0 && isSlow(person)) held += since.length;
    return held;
  }

  function isSlow(person: string | undefined): boolean {
    const { held, times, holds } = usedBy(person);
    return held >= slow && held >= slow * (times + holds);
  }

  /** With what they hold just now. */
  function usedBy(person: string | undefined): { held: number; times: number; holds: number } {
    const use = person === undefined ? undefined : uses.get(person);
    if (!use) return { held: 0, times: 0, holds: 0 };
    fade(use);
    const holding = use.since.reduce((sum, since) => sum + now() - since, 0);
    return { held: use.held + holding, times: use.times, holds: use.since.length };
  }

  function useOf(person: string): ConnectionUse {
    const use = uses.get(person) ?? { held: 0, times: 0, at: now(), since: [] };
    // whoever came last is the last to be forgotten
    uses.delete(person);
    for (const [oldest, { since }] of uses) {
      if (uses.size < mostRemembered) break;
      if (since.length === 0) uses.delete(oldest);
    }
    uses.set(person, use);
    return use;
  }

  function fade(use: ConnectionUse): void {
    const left = Math.exp((use.at - now()) / memory);
    use.held *= left;
    use.times *= left;
    use.at = now();
  }
}
