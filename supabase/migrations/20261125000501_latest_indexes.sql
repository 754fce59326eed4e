-- What somebody did last, in its order: a feed reads the latest of each kind. Part of the example app, as the tables are.

create index follows_user_id_kind_created_at_idx on public.follows (user_id, kind, created_at desc);
-- votes against a post are dismissals, and others interactions: neither is found by going past all of the other
create index post_votes_user_id_against_idx on public.post_votes (user_id, created_at desc) where value < 0;
create index post_votes_user_id_for_idx on public.post_votes (user_id, created_at, id) where value is null or value >= 0;
