import type { ErrorCode, Event, Failure } from "./types.ts";

/** Why a call failed. */
export class RecsysError extends Error {
  /**
   * A code of the functions, which stay as they are; `unreachable`: no answer came, or one that is not of the functions;
   * `aborted`: by the signal that the call was given.
   */
  readonly code: ErrorCode | "unreachable" | "aborted";
  /** Of HTTP; null: no answer came. */
  readonly status: number | null;
  /** Seconds after which the functions want to be asked again; null: they do not say. */
  readonly retryAfter: number | null;

  constructor(
    code: RecsysError["code"],
    message: string,
    status: number | null,
    retryAfter: number | null,
    cause: unknown,
  ) {
    super(message, { cause });
    this.name = "RecsysError";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A batch of events that did not arrive as a whole, though it was tried again. */
export class EventsError extends RecsysError {
  /**
   * The events of which no answer came, with their ids: some may be stored. Given to `events` again, now or when the app starts next,
   * each is stored once.
   */
  readonly unsent: Event[];

  constructor(error: RecsysError, unsent: Event[]) {
    super(error.code, error.message, error.status, error.retryAfter, error.cause);
    this.name = "EventsError";
    this.unsent = unsent;
  }
}

/** What supabase-js gave back as an error. */
export async function errorOf(
  thrown: unknown,
  response: Response | undefined,
  signal?: AbortSignal,
): Promise<RecsysError> {
  if (signal?.aborted) return new RecsysError("aborted", "the call was aborted", null, null, thrown);
  const failure = response && (await failureOf(response));
  const status = response?.status ?? null;
  const after = response?.headers.get("retry-after");
  const retryAfter = after && /^\d+$/.test(after) ? Number(after) : null;
  if (failure) return new RecsysError(failure.code, failure.message, status, retryAfter, thrown);
  return new RecsysError("unreachable", "the recommender gave no answer; try again", status, retryAfter, thrown);
}

async function failureOf(response: Response): Promise<Failure["error"] | undefined> {
  try {
    const { error } = (await response.json()) as Failure;
    return typeof error.code === "string" && typeof error.message === "string" ? error : undefined;
  } catch {
    // a page of whatever stands between
    return undefined;
  }
}
