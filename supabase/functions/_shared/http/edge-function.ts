/**
 * What an Edge Function is built from: CORS, who calls, limits of body and time, the error envelope, and work after the
 * answer. A function only says who may call it, how it reads its input and what it answers.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import { timeout } from "hono/timeout";
import { setMetric, timing } from "hono/timing";
import { type Admission, admissionControl, maxConcurrentRequests } from "./admission-control.ts";
import { apiVersion, apiVersionHeader, requestIdHeader } from "./api.ts";
import { isVisitor, refuseForeignKey, requireSecretKey } from "./api-keys.ts";
import { bearerToken, type Claims, type Verify } from "./auth.ts";
import { type BackgroundQueue, type BackgroundTask, createBackgroundQueue } from "./background-queue.ts";
import { type CallerRequest, request, requestOfCaller } from "./caller-request.ts";
import { AppError, toAppError } from "./errors.ts";
import { createIdleQueue, type IdleQueue } from "./idle-queue.ts";
import type { Log } from "./log.ts";
import { schemaVersion, versionHeader } from "./schema-version.ts";
import type { Span } from "./span.ts";
import type { Trace, Traces } from "./traces.ts";
import { createVisitorRateLimiter } from "./visitor-rate-limit.ts";

/** `Services`: what the function's index opens for it once a worker, such as a pool. */
export type EdgeFunction<Input, Services = Logging> = UserFunction<Input, Services> | ServiceFunction<Input, Services>;

/** For people: each call is one user's, who sends their access token as `Authorization: Bearer …`. */
export interface UserFunction<Input, Services = Logging> extends Reading<Input> {
  callers: "users";
  /** The answer, to be sent as JSON. Throws AppError. */
  answer(input: Input, call: UserCall, services: Services): Promise<unknown>;
  /** Answers a visitor, who has not signed in; without it they are told to. Throws AppError. */
  answerVisitor?(input: Input, call: VisitorCall, services: Services): Promise<unknown>;
}

/**
 * For the project itself (`service`), such as its scheduled jobs: the caller sends one of the project's secret keys as `apikey`. Or for whoever comes
 * (`anyone`): nothing is asked of the caller, so it must answer all alike.
 */
export interface ServiceFunction<Input, Services = Logging> extends Reading<Input> {
  callers: "service" | "anyone";
  /** The answer, to be sent as JSON. Throws AppError. */
  answer(input: Input, call: Call, services: Services): Promise<unknown>;
}

interface Reading<Input> {
  /** Its folder, and the path it answers at. */
  name: string;
  maximumBodyBytes: number;
  /** How each method that it allows reads its input. Throws AppError 400. */
  read: { POST?: (body: string) => Input; GET?: (query: URLSearchParams) => Input };
}

/** One request of somebody who may call. */
export interface Call {
  /**
   * Does work once the answer is ready, after that of earlier answers. It is best effort: what fails, or finds too long a line
   * before it, is logged under the work's code, and the caller never sees it.
   */
  afterAnswer<Item>(work: BackgroundTask<Item>, item: Item): void;
  /** The same for what matters less than any answer: it is given up where the worker has no time to spare within two seconds. */
  inSpareTime<Item>(work: BackgroundTask<Item>, item: Item): void;
  /** Waits so many milliseconds for what is on its way, unless others need the place: then false, at once. */
  pause(milliseconds: number): Promise<boolean>;
  span: Span;
}

/** One request of a user whose token is valid. */
export interface UserCall extends Call {
  claims: Claims;
}

/** One request of a visitor, who has not signed in. */
export interface VisitorCall extends Call {
  sent: CallerRequest;
}

/** What every function may use. */
export interface Logging {
  /** What goes wrong; the line names the request. */
  log: Log;
}

/** What the host knows of callers, and does for every function. */
export interface Host extends Logging {
  verify: Verify;
  /** The project's secret keys; none: nobody may call what is for the project itself. */
  secretKeys: readonly string[];
  /** The project's publishable keys, by which a visitor is known. */
  publishableKeys: readonly string[];
  /** The origins whose pages may read the answers, or any. */
  origins: readonly string[] | "*";
  /** Where spans go; undefined: nowhere. */
  traces?: Traces | undefined;
  /** Keeps the worker alive for work that no answer waits for. */
  keepAlive: (work: Promise<void>) => void;
}

interface Environment {
  Variables: {
    later?: Later;
    requestId: string;
    begun: number;
    admission: Admission;
    isVisitor: boolean;
    trace?: Trace | undefined;
    code?: string;
  };
}

/** Every part of a request has a shorter limit of its own; this one is for what nobody foresaw. */
const deadlineMilliseconds = 15_000;

const headersOfAll = { "cache-control": "no-store", [apiVersionHeader]: apiVersion, [versionHeader]: schemaVersion };

/** Lets the host go once through what came in. A timer took a millisecond of each answer for it, a message takes 0.03. */
function hostsTurn(): Promise<void> {
  return new Promise((turn) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      turn();
    };
    port2.postMessage(null);
  });
}

type Later = ((background: BackgroundQueue, spareTime: IdleQueue) => void)[];

/** The function as a Hono app, for whatever host hands it requests. */
export function createApp<Input, Services>(
  edgeFunction: EdgeFunction<Input, Services>,
  services: Host & Services,
): Hono<Environment> {
  const { name, read, maximumBodyBytes } = edgeFunction;
  const origin = services.origins === "*" ? "*" : [...services.origins];
  const methods = Object.keys(read);
  const background = createBackgroundQueue(services.log, services.keepAlive);
  const admissions = admissionControl();
  // one place is left for who comes next
  const spareTime = createIdleQueue(
    services.log,
    services.keepAlive,
    () => admissions.waiting() > maxConcurrentRequests - 2,
  );
  const allowances = createVisitorRateLimiter();
  const limited = bodyLimit({ maxSize: maximumBodyBytes, onError: tooLarge });
  const tooSlow = new AppError(504, "timeout", "this took too long; try again");
  const app = new Hono<Environment>({ strict: false }).basePath(`/${name}`);
  const exposeHeaders = [apiVersionHeader, requestIdHeader, "retry-after", "server-timing"];
  app.use(cors({ origin, allowMethods: methods, exposeHeaders, maxAge: 86_400 }));
  app.use(requestId({ headerName: requestIdHeader, limitLength: 64 }));
  app.use(timing({ crossOrigin: true }));
  app.use(admitted);
  app.use(traced);
  app.use(workAfterAnswer);
  app.use(timeout(deadlineMilliseconds, new HTTPException(504, { cause: tooSlow })));
  const { GET, POST } = read;
  if (GET) app.get("/", (c) => answer(c, () => GET(new URL(c.req.url).searchParams)));
  if (POST) app.post("/", (c) => answer(c, async () => POST(await c.get("admission").receive(() => bodyOf(c)))));
  app.all("/", () => {
    throw new AppError(405, "method_not_allowed", `call this with ${methods.join(" or ")}`);
  });
  app.notFound(() => failure(new AppError(404, "not_found", `there is nothing here: call /${name}`)));
  app.onError((thrown, c) => {
    const error = toAppError(thrown instanceof HTTPException ? thrown.cause : thrown);
    c.set("code", error.code);
    if (error.status >= 500 || error.code === "overloaded") logOf(c)(error.code, error.cause ?? error);
    return failure(error);
  });
  return app;

  async function answer(c: Context<Environment>, input: () => Input | Promise<Input>): Promise<Response> {
    const span: Span = (name) => {
      const begun = performance.now();
      return () => {
        const ended = performance.now();
        setMetric(c, name, ended - begun);
        c.get("trace")?.part(name, begun, ended);
      };
    };
    const admitted = span("admission");
    const answerOf = await admit(c, { ...services, log: logOf(c) });
    admitted();
    const later: Later = [];
    const body = await answerOf(await input(), {
      span,
      afterAnswer: (work, item) => void later.push((background) => background.add(work, item)),
      inSpareTime: (work, item) => void later.push((_, spareTime) => spareTime.add(work, item)),
      pause: (milliseconds) => c.get("admission").pause(milliseconds),
    });
    c.set("later", later);
    return c.json(body as object, 200, headersOfAll);
  }

  /** The body, which may come slowly, or break off. */
  async function bodyOf(c: Context<Environment>): Promise<string> {
    let body = "";
    try {
      await limited(c, async () => {
        body = await c.req.text();
      });
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError(400, "malformed_json", "the request body ended early", error);
    }
    return body;
  }

  /** Finds out who calls before anything is read; what it gives answers them. */
  async function admit(
    c: Context<Environment>,
    services: Host & Services,
  ): Promise<(input: Input, call: Call) => Promise<unknown>> {
    const { headers } = c.req.raw;
    const sent = requestOfCaller(c.req.raw, c.req.path);
    if (edgeFunction.callers === "users") {
      const { answerVisitor } = edgeFunction;
      if (answerVisitor && c.get("isVisitor")) {
        allowances.take(headers);
        return (input, call) => answerVisitor(input, { ...call, sent }, services);
      }
      if (answerVisitor) refuseForeignKey(headers, services.publishableKeys);
      const verified = await services.verify(bearerToken(headers.get("authorization") ?? undefined));
      const claims = { ...verified, [request]: sent };
      c.get("admission").belongTo(claims.sub);
      return (input, call) => edgeFunction.answer(input, { ...call, claims }, services);
    }
    if (edgeFunction.callers === "service") await requireSecretKey(headers.get("apikey"), services.secretKeys);
    return (input, call) => edgeFunction.answer(input, call, services);
  }

  /** The log of one request. */
  function logOf(c: Context<Environment>): Log {
    return (code, cause) =>
      services.log(code, cause, {
        request_id: c.get("requestId"),
        duration_ms: Math.round(performance.now() - c.get("begun")),
      });
  }

  async function traced(c: Context<Environment>, next: () => Promise<void>): Promise<void> {
    const trace = services.traces?.begin(name, c.req.header("traceparent"));
    c.set("trace", trace);
    await next();
    const [requestId, code] = [c.get("requestId"), c.get("code")];
    trace?.end({ status: c.res.status, code, requestId, method: c.req.method, path: c.req.path });
  }

  /** Load shedding, before anything else: a refused request costs next to nothing. */
  async function admitted(c: Context<Environment>, next: () => Promise<void>): Promise<void> {
    c.set("begun", performance.now());
    const answersVisitors = edgeFunction.callers === "users" && edgeFunction.answerVisitor !== undefined;
    c.set("isVisitor", answersVisitors && isVisitor(c.req.raw.headers, services.publishableKeys));
    const admission = admissions.admit(c.get("isVisitor"));
    c.set("admission", admission);
    try {
      await next();
    } finally {
      admission.leave(c.res.status === 200);
    }
  }

  /**
   * Begins what an answer left to do, unless the caller did not get it: they were gone, or it came too late. Once an answer is on its
   * way nothing is known any more: Deno aborts the signal of every request that ends, answered or not (denoland/deno#27005).
   */
  async function workAfterAnswer(c: Context<Environment>, next: () => Promise<void>): Promise<void> {
    // Deno begins to watch when it is asked for: afterwards it knew of none of 75 who had left
    const { signal } = c.req.raw;
    await next();
    const later = c.get("later") ?? [];
    // HEAD asks for the headers of a GET: nobody sees what it would show
    if (c.res.status !== 200 || later.length === 0 || c.req.method === "HEAD") return;
    await hostsTurn();
    if (signal.aborted) return;
    for (const add of later) add(background, spareTime);
  }

  function tooLarge(): never {
    throw new AppError(413, "body_too_large", `the body is larger than ${maximumBodyBytes / 1024} KB`);
  }

  function failure(error: AppError): Response {
    const headers: Record<string, string> = { ...headersOfAll };
    if (error.status === 401 && edgeFunction.callers === "users") headers["www-authenticate"] = "Bearer";
    if (error.status === 405) headers.allow = [...methods, "OPTIONS"].join(", ");
    const retryAfter = error.retryAfter ?? (error.status === 503 ? 5 : undefined);
    if (retryAfter) headers["retry-after"] = String(retryAfter);
    return Response.json({ error: { code: error.code, message: error.message } }, { status: error.status, headers });
  }
}
