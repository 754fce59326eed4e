/**
 * Whose turn it is with a worker's few connections. First come, first served let five people whose feeds took seconds hold all three, and 52 of 63
 * others were refused.
 */

/** How long it is remembered what somebody used, in milliseconds: then it is worth a third. */
const memory = 10_000;

/** Whoever holds connections for this long on average is slow, in milliseconds; a feed takes 15 to 30. */
const slow = 1_000;

/** How long somebody waits for a connection, in milliseconds. */
const longestWait = 3_000;

/** So many people are remembered. */
const mostRemembered = 1_000;

interface Waiting {
  person: string | undefined;
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

export interface Turns {
  /**
   * Waits for a connection, and resolves to what gives it back. Of those who wait, whoever holds fewest is next, then who is not slow, then who came
   * first; the slow together leave one to the others. Without a person it is the service's own work, which is never slow.
   * @throws Error after three seconds
   */
  take(person?: string): Promise<() => void>;
  /** How many wait. */
  waiting(): number;
}

/** The turns with so many connections. `now`: milliseconds of any clock. */
export function openTurns(size: number, now = () => performance.now(), patience = longestWait): Turns {
  let free = size;
  const uses = new Map<string, ConnectionUse>();
  const line: Waiting[] = [];

  return {
    waiting: () => line.length,
    take(person) {
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          person,
          begin() {
            clearTimeout(timer);
            resolve(taken(person));
          },
        };
        const timer = setTimeout(() => {
          line.splice(line.indexOf(waiting), 1);
          reject(new Error("timeout exceeded when waiting for a connection"));
        }, patience);
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
      const [first] = line.filter(({ person }) => !isSlow(person) || maySlow()).sort(inTurn);
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
   * Sorting is stable, so the first of equals came first. Not by who used them less lately: a feed takes a connection twice, and among 16 people at once
   * those who asked for the second time waited behind all who came after them, three seconds and in vain.
   */
  function inTurn(one: Waiting, other: Waiting): number {
    const holds = usedBy(one.person).holds - usedBy(other.person).holds;
    return holds || Number(isSlow(one.person)) - Number(isSlow(other.person));
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
