/**
 * Admission control and load shedding of one worker. Three connections serve its requests, and the others wait. A request that would wait
 * for more than about a second is refused at once, before its token is looked at, instead of timing out later. One whose body is still
 * on its way waits for nothing of ours, and is shed first.
 */
import { overloaded } from "./errors.ts";

/** So many are served at the same time: each has one of the worker's connections (../database/pool.ts). The platform runs many workers. */
export const maxConcurrentRequests = 3;

/** So many are always taken on: a worker that is starting, or whose queries have begun to take long, says little about the next second. */
export const minAdmittedRequests = 32;

/** So many before anybody had to wait, when nothing is known of the rate. */
const takenBlindly = 64;

/** What nobody should have to wait longer than, in milliseconds. */
const longestWait = 1_000;

/**
 * Visitors are at most this share of those inside. Whoever has not signed in may come in any number and from anywhere, and must not
 * take the feed away from who has.
 */
const visitorShare = 0.5;

/**
 * Once half of the places that there always are are taken, a person whose earlier request still waits after a second has at most so many: five whose feeds
 * took seconds, and who asked for two a second each, filled a worker.
 */
const placesOfPerson = 4;

/** How much an answer says about the rate while nobody waits. */
const weightOfLatest = 0.1;

/**
 * How long answers are remembered that came while others waited, in milliseconds. By time and not by number: requests that take connections in
 * turns are answered in bursts, and the last twenty answers of a burst say nothing of how long it took to come.
 */
const memory = 500;

/** A request that was admitted, and holds a place. */
export interface Admission {
  /**
   * Waits for what the caller still sends. Until it is whole the place goes to the next who needs one: whoever sends slowly is served where there is
   * room, and 64 who never finish take nothing from anybody. Throws what `read` does, and AppError 429 `overloaded` where the place is gone.
   */
  receive<Body>(read: () => Promise<Body>): Promise<Body>;
  /** The same for a wait of so many milliseconds; false, at once: the place is gone. */
  pause(milliseconds: number): Promise<boolean>;
  /** Says whose it is, as soon as that is known. @throws AppError 429 `overloaded` where they wait for too many already */
  belongTo(person: string): void;
  /** Ends the request. What was refused early says nothing of the rate. */
  leave(served: boolean): void;
}

/** The requests of one worker. `now`: milliseconds of any clock. */
export function admissionControl(now = () => performance.now()) {
  let inside = 0;
  let visitors = 0;
  /** When each that is inside came in, of each person. */
  const placesOf = new Map<string, number[]>();
  /** Who is inside and still sends, those first who began first, and what ends that. */
  const sending = new Map<Admission, { isVisitor: boolean; giveWay: () => void }>();
  /** When the last one was answered, or somebody came in where nobody was. */
  let since = 0;
  /** Milliseconds from one answer to the next while more are inside than are served at the same time, smoothed; null: there never were. */
  let pace: number | null = null;
  /** What pace is of: so many answers, each weighing less the longer ago it was. */
  let answers = 0;

  return {
    /** How many wait for their answer. */
    waiting,
    /** Admits a request. @throws AppError 429 `overloaded` */
    admit(isVisitor = false): Admission {
      if (isVisitor && isFull(visitors, visitorShare) && !madeRoom(true)) throw overloaded(visitors * paceNow());
      if (isFull(inside, 1) && !madeRoom(true) && (isVisitor || !madeRoom(false))) throw overloaded(inside * paceNow());
      const entered = now();
      let came = entered;
      if (waiting() === 0) since = came;
      inside++;
      if (isVisitor) visitors++;
      let isInside = true;
      let owner: string | undefined;

      const admission: Admission = {
        async receive(read) {
          const gone = new Promise<never>((_, reject) => {
            const giveWay = () => {
              go();
              reject(overloaded(inside * paceNow()));
            };
            sending.set(admission, { isVisitor, giveWay });
          });
          try {
            return await Promise.race([read(), gone]);
          } finally {
            // that is the caller's time, and not the worker's
            came = now();
            if (waiting() === 0) since = came;
            sending.delete(admission);
          }
        },
        async pause(milliseconds) {
          let timer: ReturnType<typeof setTimeout> | undefined;
          const waited = () => new Promise<true>((over) => (timer = setTimeout(over, milliseconds, true)));
          return await admission
            .receive(waited)
            .catch(() => false)
            .finally(() => clearTimeout(timer));
        },
        belongTo(person) {
          const times = placesOf.get(person) ?? [];
          if (inside > minAdmittedRequests / 2 && times.length >= placesOfPerson && now() - times[0] > longestWait)
            throw overloaded(inside * paceNow());
          owner = person;
          placesOf.set(person, times);
          times.push(entered);
        },
        leave(served) {
          if (!isInside) return;
          const waited = waiting() > maxConcurrentRequests;
          go();
          if (!served) return;
          // one while nobody waits says how fast it can be, and nothing of how slow: the first may have loaded a model
          const latest = waited ? Math.min(now() - since, longestWait) : (now() - came) / maxConcurrentRequests;
          if (waited) {
            answers = 1 + answers * Math.exp(-latest / memory);
            pace = pace === null ? latest : pace + (latest - pace) / answers;
          } else if (pace !== null && latest < pace) pace += weightOfLatest * (latest - pace);
          since = now();
        },
      };
      return admission;

      function go(): void {
        isInside = false;
        sending.delete(admission);
        inside--;
        if (isVisitor) visitors--;
        if (owner === undefined) return;
        const times = placesOf.get(owner) ?? [];
        times.splice(times.indexOf(entered), 1);
        if (times.length === 0) placesOf.delete(owner);
      }
    },
  };

  function waiting(): number {
    return inside - sending.size;
  }

  /** Takes the place of whoever has been sending for the longest time, among visitors or among users; false: nobody sends. */
  function madeRoom(ofVisitors: boolean): boolean {
    for (const { isVisitor, giveWay } of sending.values()) {
      if (isVisitor !== ofVisitors) continue;
      giveWay();
      return true;
    }
    return false;
  }

  function isFull(taken: number, share: number): boolean {
    return taken >= share * minAdmittedRequests && taken >= share * most();
  }

  function most(): number {
    return pace === null ? takenBlindly : Math.floor(longestWait / paceNow());
  }

  /** A pace that was, or the pause since the last answer where that is longer: nothing may be moving any more. */
  function paceNow(): number {
    return Math.max(pace ?? 0, now() - since, 1);
  }
}
