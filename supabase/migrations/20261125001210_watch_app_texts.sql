-- Whose texts the towers read. Another app names its own tables here, as it redefines the views of 20261125000300_sources.sql.

select recsys.watch_texts('public.posts', 'post', 'id', '{title,description,tags,author_id}');
select recsys.watch_texts('public.profiles', 'user', 'id', '{passions,bio}');
select recsys.watch_texts('public.projects', 'user', 'owner_id', '{title}');
