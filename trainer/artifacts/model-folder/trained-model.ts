/** What a training makes, and what the next one goes on from. */
import type { IdNeighbours, Neighbours } from "../../data/replay/neighbours.ts";
import type { Dlrm } from "../../models/ranker/model.ts";
import type { RankingExamples } from "../../models/ranker/ranking-examples.ts";
import type { FeatureBins } from "../../models/ranker/training-features.ts";
import type { Towers } from "../../models/towers/model.ts";
import type { TrainedTowers } from "../../models/towers/train.ts";
import type { IdEmbeddings } from "./id-embeddings.ts";

/** What the ranker learns from: first interactions, or pages that were shown. */
export type LearnedFrom = "interactions" | "pages";

export interface TrainedRanker {
  dlrm: Dlrm;
  dlrmLosses: number[];
  /** Before training and after each epoch. */
  heldOutLosses: number[];
  /** The epoch that was kept. */
  epoch: number;
  requests: number;
  /** A few of these, for the gate to see whether the exported graph answers as the trainer does. */
  sampled: RankingExamples[];
  /** How the features of what it would have shown are distributed; empty of too few requests. */
  features: FeatureBins[];
}

export interface TrainedModel extends TrainedRanker {
  towers: TrainedTowers;
  /** [posts, 32] */
  postVectors: Float32Array;
  /** Undefined: it has none. */
  neighbours: Neighbours | undefined;
  /** First interactions that were new to it. */
  newInteractions: number;
  /** Whether it went on from the earlier model it was given. */
  wentOn: boolean;
  /** What its ranker learned from. */
  learnedFrom: LearnedFrom;
  /** Whose requests these were (topTenUserShare). */
  people: { number: number; ten: number };
  /** What happened before this instant it has learned from, milliseconds. */
  learnedUntil: number;
}

/** A model that can also be asked about requests its towers have not learned from: those from an instant on. */
export interface ModelWithHoldoutTowers extends TrainedModel {
  heldBack: HoldoutTowers;
  /** The graph of the ranker that it went on from, which has learned from none of its requests; undefined: it started from scratch. */
  rankerBefore?: Uint8Array | undefined;
}

/** The towers before they learned from the requests that the gate asks about. */
export interface HoldoutTowers {
  /**
   * When these requests begin, in milliseconds: the held-out ones of a training from scratch, which its ranker has not learned from
   * either; all new ones where an earlier model is fine-tuned, whose ranker has.
   */
  from: number;
  graphs: { user_tower: Uint8Array; post_tower: Uint8Array };
  userIdEmbeddings: IdEmbeddings;
  postIdEmbeddings: IdEmbeddings;
  neighbours: IdNeighbours;
}

/** A trained model that another training fine-tunes. */
export interface WarmStartModel {
  /** Their ID embeddings in the numbers of the community at hand, zero for who and what is new. */
  towers: Towers;
  dlrm: Dlrm;
  /** Whether it has neighbours of posts, which are then learned again. */
  hasNeighbours: boolean;
  /** What happened before this instant (milliseconds) it has learned from. */
  learnedUntil: number;
  learnedFrom: LearnedFrom;
}
