-- SPDX-License-Identifier: Apache-2.0
-- What readers and dashboards ask. Views are for reading only and may change with a later version.

-- Null for what is no number, or none that a view can calculate with.
create function plategate.number(value jsonb) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when jsonb_typeof(value) = 'number' then
        case when abs(value::numeric) < 1e12 then value::numeric::double precision end
    end
$$;

create view plategate.passages as
select gate, lane, journal, sequence, at, received_at,
    data->>'id' as passage_id,
    data->'verdict'->>'result' as result,
    data->'verdict'->>'reason' as reason,
    data->'verdict'->>'plate' as plate,
    data->'verdict'->>'alarm' as alarm,
    plategate.number(data->'reading'->'confidence') as confidence,
    data->>'trigger' as trigger,
    data->>'barrier' as barrier,
    plategate.number(data->'milliseconds'->'total') as trigger_to_relay_ms
from plategate.events
where type like 'passage.%';

create view plategate.reports as
select gate, lane, journal, sequence, at, received_at, data->>'what' as what,
    data->>'detail' as detail, data->>'passage_id' as passage_id
from plategate.events
where type like 'gate.%';

create view plategate.refusals as
select date_trunc('day', at) as day, gate, result, reason, count(*) as passages
from plategate.passages
where result <> 'granted'
group by 1, 2, 3, 4;

create view plategate.latencies as
select date_trunc('hour', at) as hour, gate, count(*) as passages,
    percentile_cont(0.5) within group (order by trigger_to_relay_ms) as p50_ms,
    percentile_cont(0.95) within group (order by trigger_to_relay_ms) as p95_ms,
    percentile_cont(0.95) within group (order by extract(epoch from received_at - at)) as delivery_p95_s
from plategate.passages
group by 1, 2;

create view plategate.list_ages as
select gate, make_interval(secs => plategate.number(state->'list_age_s')) as age,
    plategate.number(state->'list_entries')::bigint as entries, state_at
from plategate.gates
where plategate.number(state->'list_age_s') is not null;

-- Heard of means an event or a state; a running gate of a fleet publishes its state every ten minutes.
create view plategate.gate_contacts as
select gate, g.online, greatest(g.state_at, g.online_at, s.heard_at) as heard_at,
    g.state->>'fault' as fault, g.state->>'problems' as problems
from plategate.gates g
full join (select gate, max(heard_at) as heard_at from plategate.streams group by gate) s using (gate);

create view plategate.silent_gates as
select gate, online, heard_at, now() - heard_at as silent_for
from plategate.gate_contacts
where online is false or heard_at < now() - interval '30 minutes';

create view plategate.gaps as
select s.gate, s.journal, 'missing' as state, lower(r) as first, upper(r) - 1 as last,
    upper(r) - lower(r) as events, s.asks, s.asked_at, null::text as reason
from plategate.streams s cross join unnest(s.missing) r
union all
select s.gate, s.journal, 'lost', lower(r), upper(r) - 1, upper(r) - lower(r), s.asks, s.asked_at,
    (select max(l.reason) from plategate.lost l
     where l.gate = s.gate and l.journal = s.journal and l.until >= lower(r) and l.after < upper(r) - 1)
from plategate.streams s cross join unnest(s.lost - s.seen) r;

-- Two events with one id: the gate went on with an older copy of its journal.
create view plategate.repeated_numbers as
select gate, journal, sequence, array_agg(at order by received_at) as times
from plategate.events
group by gate, journal, sequence
having count(*) > 1;

grant select on all tables in schema plategate to plategate_reader;
revoke select on plategate.rejected from plategate_reader;
-- `plategate collector status` runs as a writer; these show no event.
grant select on plategate.gaps, plategate.silent_gates, plategate.gate_contacts to plategate_writer;
