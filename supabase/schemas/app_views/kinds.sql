-- What people do in an app, such as likes, bookmarks and purchases, in the words of the ranker, which predicts views, votes and comments.

create table recsys.kinds (
  kind text primary key check (kind <> ''),
  head text check (head in ('view', 'vote', 'comment')),
  -- NaN is above all numbers
  weight real not null default 1 check (weight > 0 and weight <= 1000)
);
comment on table recsys.kinds is
  'Maps the app''s kinds of interaction to view, vote and comment. recsys.source_interactions joins it, so a kind without a row or head is left out. After a change of heads the next roll-up recounts everything and the next training uses it; a change of weights affects training alone.';
comment on column recsys.kinds.kind is 'The app''s word, as its table has it.';
comment on column recsys.kinds.head is 'What it counts as; null: as nothing, on purpose.';
comment on column recsys.kinds.weight is
  'The weight of one interaction compared with other kinds, such as a purchase 5 and a like 1: the next training learns to rank by it. It affects neither counts, probabilities, reports and daily metrics nor retrieval. The weight of votes against views is recsys.settings.vote_weight.';
insert into recsys.kinds (kind, head) values ('view', 'view'), ('vote', 'vote'), ('comment', 'comment');
alter table recsys.kinds enable row level security;
create policy "kinds are readable" on recsys.kinds for select to authenticated using (true);
grant select on recsys.kinds to authenticated;
grant select, insert, update, delete on recsys.kinds to service_role;

create view recsys.source_kinds with (security_invoker = true) as
select null::text as of_table, null::text as kind, null::text as otherwise where false;
comment on view recsys.source_kinds is 'The words by which rows of the app''s tables say themselves what was done: (of_table, kind, otherwise), a row each. Only recsys.check() reads it, to say which of them recsys.kinds does not list. An app may redefine it; recsys draft does.';
comment on column recsys.source_kinds.of_table is 'The table, for a reader.';
comment on column recsys.source_kinds.kind is 'The word that the row has.';
comment on column recsys.source_kinds.otherwise is 'The kind of recsys.kinds as which recsys.source_interactions counts it where it is not listed; null: it counts as nothing.';
grant select on recsys.source_kinds to service_role;

create function recsys_engine.requeue_all() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into recsys_engine.feature_changes (post_id) select source_posts.post_id from recsys.source_posts;
  -- a user all of whose events now count for nothing is no participant of these posts
  insert into recsys_engine.feature_changes (user_id) select latest_user_stats.user_id from recsys_engine.latest_user_stats;
  return null;
end
$$;
comment on function recsys_engine.requeue_all() is 'Trigger of recsys.kinds: queues every post and user to be recomputed.';
revoke all on function recsys_engine.requeue_all() from public;
-- no state depends on a weight
create trigger queue_everything after insert or update of kind, head or delete or truncate on recsys.kinds
for each statement execute function recsys_engine.requeue_all();
