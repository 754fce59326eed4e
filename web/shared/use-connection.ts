import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../../client/src/index.ts";
import { useProject } from "./project.ts";

/** Whether there is a network, and what was done and waits for one. */
export function useConnection(): Connection {
  const { recommender } = useProject();
  const [connection, setConnection] = useState<Connection>({ isOnline: navigator.onLine, unsent: [] });
  useEffect(() => recommender.watch(setConnection), [recommender]);
  return connection;
}
