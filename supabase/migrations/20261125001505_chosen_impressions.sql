-- What feeds showed by their own choice: what reports count and training learns from. What an app named in a request was shown whatever the model
-- thought of it, and so was what somebody promoted.

create view recsys.chosen_impressions with (security_invoker = true) as
-- as a case, half of whose rows are expected: "is null" is taken for one row of 200 where no statistics exist yet, and joins made for so few took minutes
select * from recsys.impressions where case when impressions.promotion_id is null then impressions.mode <> 'candidates' else false end;
comment on view recsys.chosen_impressions is 'The impressions of what the recommender chose to show: without those of posts that the app named to be ranked (mode candidates) or promoted (promotion_id). Reports and training read these.';
grant select on recsys.chosen_impressions to service_role;
