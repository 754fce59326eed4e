import { type Question, uuid } from "../question.ts";

export const postQuestions = {
  // 3,000 are some 800 KB of vectors, and more dots than a screen holds apart
  map: {
    sql: `
select posts.post_id, posts.title, posts.created_at, topics.topic_id, topics.label as topic, vectors.embedding::real[] as vector
from recsys.models
join recsys.post_embeddings as vectors on vectors.model_id = models.model_id
join recsys.source_posts as posts on posts.post_id = vectors.post_id
left join recsys.post_topics on post_topics.post_id = posts.post_id
left join recsys.topics on topics.topic_id = post_topics.topic_id
where models.status = 'active'
order by posts.created_at desc
limit 3000`,
  },
  post: {
    sql: `
select posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at, topics.label as topic,
  stats.views, stats.votes, stats.comments, stats.participants, stats.last_active_at
from recsys.source_posts as posts
left join recsys.latest_post_stats as stats on stats.post_id = posts.post_id
left join recsys.post_topics on post_topics.post_id = posts.post_id
left join recsys.topics on topics.topic_id = post_topics.topic_id
where posts.post_id = $1::uuid`,
    parameters: { post_id: uuid },
  },
  neighbours: {
    sql: "select post_id, title, created_at, similarity from recsys.similar_posts($1::uuid, 10)",
    parameters: { post_id: uuid },
  },
  // the service's own claims: as its project sees them, not as one of the people does
  audience: {
    sql: `
select people.user_id, users.external_id, -(people.embedding operator(extensions.<#>) post.embedding) as similarity
from recsys.models
join recsys.post_embeddings as post on post.model_id = models.model_id and post.post_id = $1::uuid
join recsys.user_embeddings as people on people.model_id = models.model_id
join recsys.source_users as users on users.user_id = people.user_id
where models.status = 'active'
order by people.embedding operator(extensions.<#>) post.embedding
limit 10`,
    parameters: { post_id: uuid },
  },
} satisfies Record<string, Question>;
