/** What a topic needs: how much more of all demand than of all supply it has. */

/** People a day who come to a topic's posts, and posts written a day. */
export interface TopicFigures {
  id: string;
  demand: number;
  supply: number;
}

/**
 * From so much need on a topic is needed. travel-se from 2017-01-01, 48 topics of three seeds: posts of the 16 topics above 1.25 got 1.29 to 1.32
 * times what a post of the average topic got in the following quarter; those of the 21 above 1 got 1.16 to 1.25 times.
 */
export const neededFrom = 1.25;

/** Between these: what few write of, many may want, or nobody. */
const [least, most] = [0.5, 2];

/** How much more of all demand than of all supply a topic has, by its id: 1 is as much. */
export function needsOf(topics: TopicFigures[]): Map<string, number> {
  const demand = topics.reduce((sum, topic) => sum + topic.demand, 0);
  const supply = topics.reduce((sum, topic) => sum + topic.supply, 0);
  if (demand === 0 || supply === 0) return new Map();
  // one post in all of its 28 days more, so that a topic of which nobody writes has no endless need
  const few = 1 / 28;
  const need = (topic: TopicFigures) => topic.demand / demand / ((topic.supply + few) / (supply + few * topics.length));
  return new Map(topics.map((topic) => [topic.id, Math.min(most, Math.max(least, need(topic)))]));
}
