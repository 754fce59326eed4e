/** Told how far a long step has come; `total` is left out while nobody can know it. The caller draws the bar. */
export type OnProgress = (progress: { step: string; done: number; total?: number }) => void;
