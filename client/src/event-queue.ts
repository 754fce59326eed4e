/** Events on their way: kept until the functions have answered, sent in the order in which they happened, whatever comes between. */
import { batchesOf } from "./batches.ts";
import { RecsysError } from "./error.ts";
import type { EventStore, WaitingEvent } from "./event-store.ts";
import type { ReadSession, Session } from "./session.ts";
import type { ErrorCode, Event, EventReport, RefusalCode } from "./types.ts";
import { randomUuid } from "./uuid.ts";

/** An event whose id may be left out: it then gets one. */
export type NewEvent = Event extends infer Each
  ? Each extends Event
    ? Omit<Each, "id"> & { id?: string }
    : never
  : never;

/** What became of a tracked event; where it is refused, a code of its own or of the call. */
export type Tracked = Omit<EventReport, "code"> & { code?: RefusalCode | ErrorCode };

export interface QueueOptions {
  readSession: ReadSession;
  store: EventStore;
  /** Sends a batch as the user whose token this is. Throws RecsysError. */
  send(batch: Event[], token: string): Promise<EventReport[]>;
  onRefused(report: Tracked, event: Event): void;
  /** Told when other events wait. */
  onChange(): void;
}

/** How long seen posts wait for more of them, in milliseconds. Whatever else is done goes at once. */
const gather = 1_000;
/** Small enough that a batch may outlive its page. */
const mostBytes = 20_000;
const mostWaiting = 1_000;
/** How old an event is, in milliseconds, before it says when it happened: until then "now" is nearer than the clock of many a device. */
const promptly = 60_000;
/** An impression is not logged any more after this long, in milliseconds. */
const impressionsLoggedWithin = 30_000;
const longestPause = 60_000;
/** Whatever an answer says of when to come back: a timer takes no more than 24 days. */
const longestWait = 3_600_000;

interface Answer {
  promise: Promise<Tracked>;
  answered(report: Tracked): void;
}

/** The queue of one page. */
export function openQueue({ readSession, store, send, onRefused, onChange }: QueueOptions) {
  /** By their ids, of whomever: this page's, and those found in the store, of pages before and of other tabs. */
  const waiting = new Map<string, WaitingEvent & Partial<Answer>>();
  /** Impressions that were not there yet. */
  const held = new Set<string>();
  /** Of a device whose clock is so wrong that the functions do not believe it: these happened when they arrive. */
  const timeless = new Set<string>();
  let owner: string | undefined;
  let latest = 0;
  /** Ends when the last tracked event is kept. */
  let lastKept: Promise<unknown> = Promise.resolve();
  let failures = 0;
  /** Why the last batch could not be sent. */
  let failure: RecsysError | undefined;
  let isWanted = false;
  let running: Promise<void> | undefined;
  let timer: { at: number; id: ReturnType<typeof setTimeout> } | undefined;
  const hasAny = () => waiting.size > 0 || store.hasAny();

  return {
    track(given: NewEvent): Promise<Tracked> {
      const at = Math.max(Date.now(), latest + 1);
      latest = at;
      const kept = lastKept.then(() => keep(given, at));
      lastKept = kept.catch(() => undefined);
      return kept.then(({ promise }) => promise);
    },
    /** Sends what waits. Throws RecsysError where that cannot be just now. */
    async flush(): Promise<void> {
      await sendAll();
      if (failure) throw failure;
    },
    /** Sends what waits, where anything does: a page that tracks nothing is not asked who is signed in. */
    sendAny(): void {
      if (hasAny()) void sendAll();
    },
    /** The page may end: what waits is sent once more at once, with what is under way, so that nothing overtakes it. */
    lastCall(): void {
      held.clear();
      void lastKept.then(() => hasAny() && sendOnce());
    },
    /** Other events may wait: another tab keeps them in the same storage. */
    look(): void {
      onChange();
      if (hasAny()) void askWho();
    },
    /** The unsent events of the signed-in user, the oldest first. */
    unsent: () => (owner === undefined ? [] : waitingOf(owner).map(({ event }) => event)),
    /** Sends what earlier pages left. */
    start(): void {
      if (store.hasAny()) wake(0);
    },
  };

  /** The signed-in user, who may have changed; undefined: unknown just now, so it is the last known user. */
  async function askWho(): Promise<Session | null | undefined> {
    const session = await readSession();
    if (session !== undefined && session?.owner !== owner) {
      owner = session?.owner;
      onChange();
    }
    return session;
  }

  /** Whose it is has to be asked first. */
  async function keep(given: NewEvent, at: number): Promise<Pick<Answer, "promise">> {
    const event = JSON.parse(JSON.stringify({ ...given, id: given.id ?? randomUuid() })) as Event;
    await askWho();
    const before = owner === undefined ? [] : waitingOf(owner);
    // an earlier page's is still of when it happened
    const known = before.find(({ event: { id } }) => id === event.id);
    if (known?.promise) return { promise: known.promise };
    if (owner === undefined) {
      const report = refusal(event.id, "token_missing", "nobody is signed in, so there is nobody to note it for");
      onRefused(report, event);
      return { promise: Promise.resolve(report) };
    }
    const each = (known ?? { owner, at, event }) as WaitingEvent & Answer;
    each.promise = new Promise((over) => {
      each.answered = over;
    });
    waiting.set(event.id, each);
    store.add(each);
    const all = known ? before : [...before, each];
    const [tooMany] = all.length > mostWaiting ? [all.find(({ event }) => event.type === "seen") ?? all[0]] : [];
    if (tooMany) settle(tooMany, refusal(tooMany.event.id, "too_many_events", `${mostWaiting} others wait already`));
    onChange();
    // where nothing can be sent just now, it is tried again soon enough
    if (event.type === "seen") wake(gather);
    else if (failures === 0) void sendAll();
    return each;
  }

  /** Sends what waits, until nothing does or it cannot be sent just now. */
  async function sendAll(): Promise<void> {
    isWanted = true;
    running ??= sendWanted();
    await running;
  }

  async function sendWanted(): Promise<void> {
    try {
      while (isWanted) {
        isWanted = false;
        await lastKept;
        while (await sendOnce());
      }
    } finally {
      running = undefined;
      onChange();
    }
  }

  /** Sends a batch; false: nothing more is to be sent now. */
  async function sendOnce(): Promise<boolean> {
    failure = undefined;
    const session = await askWho();
    if (session === undefined && owner !== undefined && waitingOf(owner).length > 0)
      postpone(new RecsysError("unreachable", "there is no valid token just now; try again", null, null, undefined));
    if (!session) return false;
    const all = waitingOf(session.owner).filter(({ event }) => !held.has(event.id));
    const [batch] = batchesOf(all.map(asSent), mostBytes);
    if (!batch) return false;
    const sent = all.slice(0, batch.length);
    try {
      await sendParts(sent, batch, session.token);
      [failures, failure] = [0, undefined];
      return true;
    } catch (error) {
      if (!(error instanceof RecsysError)) throw error;
      postpone(error);
      return false;
    }
  }

  function postpone(error: RecsysError): void {
    const asked = Math.min(1000 * (error.retryAfter ?? 0), longestWait);
    const pause = Math.max(asked, Math.min(1000 * 2 ** failures, longestPause));
    failures++;
    failure = error;
    // not all phones of a community at the same time
    wake(pause * (1 + Math.random() / 4));
  }

  /** Sends events; where the call as a whole is refused for good, in halves, down to the one that is to blame. */
  async function sendParts(sent: WaitingEvent[], batch: Event[], token: string): Promise<void> {
    let reports: EventReport[];
    try {
      reports = await send(batch, token);
    } catch (error) {
      if (!(error instanceof RecsysError) || !isForGood(error)) throw error;
      if (sent.length === 1) return settle(sent[0], refusal(batch[0].id, error.code as ErrorCode, error.message));
      const half = sent.length >> 1;
      await sendParts(sent.slice(0, half), batch.slice(0, half), token);
      return await sendParts(sent.slice(half), batch.slice(half), token);
    }
    for (const [i, each] of sent.entries()) answer(each, reports[i]);
  }

  function answer(each: WaitingEvent, report: EventReport): void {
    const { at, event } = each;
    if (report.code === "unknown_impression" && Math.abs(Date.now() - at) < impressionsLoggedWithin) {
      held.add(event.id);
      wake(2 * gather);
    } else if (isDisbelieved(report) && !event.occurred_at && !timeless.has(event.id)) timeless.add(event.id);
    else settle(each, report);
  }

  function settle(each: WaitingEvent, report: Tracked): void {
    const { event } = each;
    const answered = waiting.get(event.id)?.answered;
    // sent twice, as at the end of a page, it is answered twice
    if (!waiting.delete(event.id)) return;
    held.delete(event.id);
    timeless.delete(event.id);
    store.remove(each);
    answered?.(report);
    if (report.status === "refused") onRefused(report, event);
  }

  /** Those of one user, the oldest first. */
  function waitingOf(owner: string): (WaitingEvent & Partial<Answer>)[] {
    const kept = new Map(store.of(owner).map((each) => [each.event.id, each]));
    // what was found there and is there no more was sent by another tab
    for (const [id, each] of waiting) if (each.owner === owner && !each.promise && !kept.has(id)) waiting.delete(id);
    for (const [id, each] of kept) if (!waiting.has(id)) waiting.set(id, each);
    return [...waiting.values()].filter((each) => each.owner === owner).sort((a, b) => a.at - b.at);
  }

  function asSent({ at, event }: WaitingEvent): Event {
    if (event.occurred_at || timeless.has(event.id) || Math.abs(Date.now() - at) < promptly) return event;
    return { ...event, occurred_at: new Date(at).toISOString() };
  }

  /** Sends what waits in so many milliseconds, or sooner where that is planned already. */
  function wake(milliseconds: number): void {
    const at = Date.now() + milliseconds;
    if (timer && timer.at <= at) return;
    clearTimeout(timer?.id);
    const id = setTimeout(() => {
      timer = undefined;
      held.clear();
      void sendAll();
    }, milliseconds);
    timer = { at, id };
    letEnd(id);
  }
}

/** A program of Node or Deno ends when it has nothing else to do; one that wants all to be sent awaits flush. */
function letEnd(timer: unknown): void {
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "object") (timer as { unref?(): void }).unref?.();
  else Deno?.unrefTimer?.(timer);
}

function refusal(id: string, code: ErrorCode, message: string): Tracked {
  return { id, status: "refused", code, message };
}

/** Whether the same call would be refused again. */
function isForGood({ status, code }: RecsysError): boolean {
  return code !== "unreachable" && (status === 400 || status === 413);
}

function isDisbelieved({ code }: EventReport): boolean {
  return code === "in_the_future" || code === "too_old";
}
