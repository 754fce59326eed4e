/** For tests: a storage that speaks S3's protocol (moto), behind a door that counts what comes and lets through what the test says. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { Scope } from "../../db/testing.ts";

/** Debian's, which has its packages; another Python that is first in the path may not. */
const python = "/usr/bin/python3";

/** Says whether there is moto without loading it, which takes a second of a processor. */
const findMoto = "import sys, importlib.util as u; sys.exit(not (u.find_spec('moto') and u.find_spec('flask_cors')))";

/** For the option `skip` of a test: false, or why no storage can be asked. */
export const withoutStorage: false | string =
  spawnSync(python, ["-c", findMoto]).status === 0 ? false : "needs moto: npm run setup:storage";

/** What a request asks for, as far as the tests tell requests apart. */
export type AskedOfStorage = "part" | "put" | "complete" | "get" | "other";

export interface Storage {
  /** What a command needs to know. */
  env: Record<string, string>;
  client: S3Client;
  bucket: string;
  /** How many of each came through. */
  passed: Record<AskedOfStorage, number>;
  /** AskedOfStorage before each request: answer with an error, break off, or let it pass. */
  door: (asked: AskedOfStorage, number: number) => Answer | Promise<Answer>;
  keys(): Promise<string[]>;
  unfinished(): Promise<number>;
  /** Waits until all that came through is answered: a part of a process that was killed may still be on its way. */
  settled(): Promise<void>;
}

type Answer = "pass" | "break" | { status: number; code: string };

const account = { accessKeyId: "tested", secretAccessKey: "tested-secret" };

/** Starts a storage with an empty bucket; it is gone when the scope is over. */
export async function startStorage(scope: Scope): Promise<Storage> {
  const port = await freePort();
  const moto = spawn(python, ["-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", `${port}`], {
    stdio: "ignore",
    env: { ...process.env, S3_UPLOAD_PART_MIN_SIZE: "1024" },
  });
  const server = createServer((asked, answer) => void forward(asked, answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
    await end(moto);
  });
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials: account });
  const bucket = "tested";
  const storage: Storage = {
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: account.accessKeyId,
      AWS_SECRET_ACCESS_KEY: account.secretAccessKey,
      AWS_REGION: "us-east-1",
    },
    client,
    bucket,
    passed: { part: 0, put: 0, complete: 0, get: 0, other: 0 },
    door: () => "pass",
    async keys() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key }) => Key as string);
    },
    async unfinished() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
    async settled() {
      // a request may be in a buffer of its connection
      await setTimeout(50);
      while (onTheWay.size > 0) await setTimeout(10);
    },
  };
  const onTheWay = new Set<ClientRequest>();

  async function forward(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const kind = kindOf(asked);
    const decided = await storage.door(kind, storage.passed[kind]);
    if (decided === "break") {
      asked.socket.destroy();
      return;
    }
    if (typeof decided === "object") {
      asked.resume();
      const xml = `<?xml version="1.0"?><Error><Code>${decided.code}</Code><Message>as the test says</Message></Error>`;
      answer
        .writeHead(decided.status, { "content-type": "application/xml" })
        .end(asked.method === "HEAD" ? undefined : xml);
      return;
    }
    const { url, method, headers } = asked;
    const inner = request({ host: "127.0.0.1", port, path: url, method, headers }, (response) => {
      if (response.statusCode === 200) storage.passed[kind]++;
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    onTheWay.add(inner);
    inner.on("close", () => onTheWay.delete(inner));
    inner.on("error", () => answer.destroy());
    asked.on("close", () => asked.complete || inner.destroy());
    asked.pipe(inner);
  }

  for (let tries = 1; ; tries++)
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return storage;
    } catch (error) {
      if (tries === 50) throw error;
      await setTimeout(200);
    }
}

function kindOf({ method, url = "" }: IncomingMessage): AskedOfStorage {
  const { searchParams, pathname } = new URL(url, "http://any");
  if (method === "PUT" && searchParams.has("partNumber")) return "part";
  if (method === "PUT" && pathname.split("/").length > 2) return "put";
  if (method === "POST" && searchParams.has("uploadId")) return "complete";
  return method === "GET" && searchParams.size <= 1 && pathname.split("/").length > 2 ? "get" : "other";
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null) return;
  process.kill("SIGKILL");
  await once(process, "exit");
}
