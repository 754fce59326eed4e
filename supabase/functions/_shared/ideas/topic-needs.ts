/** The need for posts of a topic: its share of demand relative to its share of supply. */

/** Demand: people per day who interact with the topic's posts. Supply: posts per day. */
export interface TopicFigures {
  id: number;
  demand: number;
  supply: number;
}

/** Minimum need of a topic that is shown as needed; posts of such topics reached more people in the next quarter. */
export const neededFrom = 1.5;
/** Prior in posts per 28 days, with the average demand, so that one post more or less does not change the need much. */
const priorPosts = 5;

/** Limits of the need: topics with few posts give no reliable value. */
const [least, most] = [0.5, 2];

/** Need by topic id: the topic's share of demand through its share of supply, smoothed. 1 means balanced. */
export function needsOf(topics: TopicFigures[]): Map<number, number> {
  const demand = topics.reduce((sum, topic) => sum + topic.demand, 0);
  const supply = topics.reduce((sum, topic) => sum + topic.supply, 0);
  if (demand === 0 || supply === 0) return new Map();
  const usual = demand / supply;
  const prior = priorPosts / 28;
  const need = (topic: TopicFigures) => (topic.demand + prior * usual) / (topic.supply + prior) / usual;
  return new Map(topics.map((topic) => [topic.id, Math.min(most, Math.max(least, need(topic)))]));
}
