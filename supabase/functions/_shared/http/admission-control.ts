/**
 * Admission control of one worker: a few requests run at a time, the others wait. A request that would wait for more
 * than about a second is refused before its token is checked. Requests still receiving their body are shed first.
 */
import { overloaded } from "./errors.ts";

/**
 * Concurrent requests: each takes one of the worker's connections
 * (../database/pool.ts). The platform runs many workers.
 */
export const maxConcurrentRequests = 3;

/** Number of requests that are always admitted: a worker that starts or slows down cannot estimate its rate yet. */
export const minAdmittedRequests = 32;

/** Maximum number of requests while the rate is unknown. */
const takenBlindly = 64;

/** Maximum expected wait in milliseconds. */
const longestWait = 1_000;

/** Maximum share of visitors among the admitted requests, so that they cannot displace signed-in users. */
const visitorShare = 0.5;

/**
 * Maximum number of requests of a user whose oldest one has waited for a second. It applies once half of
 * `minAdmittedRequests` is reached, so that a few users with slow feeds cannot fill a worker.
 */
const placesOfPerson = 4;

/** Smoothing factor of the rate from an answer while no request waits. */
const weightOfLatest = 0.1;

/**
 * Time constant of the rate's decay while requests wait, in milliseconds. It counts time, not answers: answers come in
 * bursts, since requests take connections in turns, and the gaps within a burst say little.
 */
const memory = 500;

/** An admitted request, which holds a slot. */
export interface Admission {
  /**
   * Waits until the caller has sent the body. Meanwhile the slot may go to another request, so slow senders block no
   * one. Throws what `read` throws, and AppError 429 `overloaded` if it lost the slot.
   */
  receive<Body>(read: () => Promise<Body>): Promise<Body>;
  /** The same for a wait of `milliseconds`; resolves to false at once if the slot was lost. */
  pause(milliseconds: number): Promise<boolean>;
  /**
   * Sets the request's user, once known. @throws AppError 429 `overloaded` if too many of their requests wait already
   */
  belongTo(person: string): void;
  /** Ends the request. A refused request (`served` false) does not count in the rate. */
  leave(served: boolean): void;
}

/** The admission control of one worker. `now`: milliseconds of any clock. */
export function admissionControl(now = () => performance.now()) {
  let inside = 0;
  let visitors = 0;
  /** Admission times of each user's requests, in milliseconds. */
  const placesOf = new Map<string, number[]>();
  /** Requests that are still receiving their body, oldest first, each with the function that revokes its slot. */
  const sending = new Map<Admission, { isVisitor: boolean; giveWay: () => void }>();
  /** Time of the last answer, or of the first request after an idle time, in milliseconds. */
  let since = 0;
  /**
   * Smoothed milliseconds between answers while more requests are admitted than run
   * at a time; null if that never was so.
   */
  let pace: number | null = null;
  /** Sum of the decayed weights of the answers in `pace`. */
  let answers = 0;

  return {
    /** Number of requests that have been received and not answered. */
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
            // receiving is the caller's time, not the worker's
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
          // an answer while no request waits can only lower the pace: a slow one may have loaded a model
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

  /** Revokes the slot of the visitor or user that has been sending for longest; false if there is none. */
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

  /** The smoothed pace, or the time since the last answer if longer: the worker may be stuck. */
  function paceNow(): number {
    return Math.max(pace ?? 0, now() - since, 1);
  }
}
