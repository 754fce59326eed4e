/** What a topic needs: how much more of all demand than of all supply it has. */

/** People a day who come to a topic's posts, and posts written a day. */
export interface TopicFigures {
  id: number;
  demand: number;
  supply: number;
}

/**
 * From so much need on a topic is needed. travel-se from 2017-01-01 and 2017-04-01, 48 topics by one pair of towers and three seeds each: posts of the 5 to 10
 * topics above 1.5 got 1.46 to 2.15 times what a post of the average topic got in the following quarter, those of the 21 to 29 above 1, 1.09 to 1.27
 * times; by three pairs of towers 1.65, 1.81 and 1.21.
 */
export const neededFrom = 1.5;
/**
 * As how many posts in 28 days the average topic counts in addition to each one's own: one post more or less must not make a topic needed. With 1
 * in place of 5, from the same instants, topics above 1.5 got 1.35 to 1.52 times.
 */
const priorPosts = 5;

/** Between these: what few write of, many may want, or nobody. */
const [least, most] = [0.5, 2];

/** How much more of all demand than of all supply a topic has, by its id: 1 is as much. */
export function needsOf(topics: TopicFigures[]): Map<number, number> {
  const demand = topics.reduce((sum, topic) => sum + topic.demand, 0);
  const supply = topics.reduce((sum, topic) => sum + topic.supply, 0);
  if (demand === 0 || supply === 0) return new Map();
  const usual = demand / supply;
  const prior = priorPosts / 28;
  const need = (topic: TopicFigures) => (topic.demand + prior * usual) / (topic.supply + prior) / usual;
  return new Map(topics.map((topic) => [topic.id, Math.min(most, Math.max(least, need(topic)))]));
}
