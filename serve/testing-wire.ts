import { connect, createServer, type Server, type Socket } from "node:net";

/** For tests: a TCP proxy in front of the database that can be cut and mended. */
export async function severableWire(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  await listen(0);
  const { port } = server.address() as { port: number };
  const wire = new URL(databaseUrl);
  wire.host = `127.0.0.1:${port}`;
  return {
    url: wire.href,
    async sever() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    restore: () => listen(port),
  };
}

/** For tests: a TCP proxy before the database whose answers take 30 ms; `turns` tells who spoke, repetitions left out. */
export async function distantWire(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const turns: string[] = [];
  const note = (turn: string) => {
    if (turns.at(-1) !== turn) turns.push(turn);
  };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
    near.on("data", (chunk) => {
      note("ask");
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      setTimeout(() => {
        note("answer");
        near.write(chunk);
      }, 30);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const wire = new URL(databaseUrl);
  wire.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  return { url: wire.href, turns, close: () => new Promise<void>((done) => server.close(() => done())) };
}
