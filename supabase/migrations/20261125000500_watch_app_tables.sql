-- The feature store and the vectors follow the example app's tables. An adopter leaves this file out and calls recsys.watch for their own tables.
select recsys.watch('public.profiles', 'users', p_texts => '{passions,bio}');
select recsys.watch('public.projects', 'user_texts', p_user_id => 'owner_id', p_texts => '{title}');
select recsys.watch('public.preferences', 'user_texts', p_user_id => 'user_id', p_texts => '{kind,value}');
select recsys.watch('public.posts', 'posts', p_texts => '{title,description,tags}');
select recsys.watch('public.post_views', 'interactions');
select recsys.watch('public.post_votes', 'interactions', p_others => array['value']);
select recsys.watch('public.comments', 'interactions');
select recsys.watch('public.logins', 'logins');
