// The views that people's SQL rests on, as docs/schema.md describes them. They hold no data, so every start makes them
// again. `trials` and `sweeps` are the fold of domain's SweepState over the same facts; the contract suite compares the two.
import { originSql, reasonSql } from "./reasonSql.ts"

/**
 * The fold: `list_reduce` walks a trial's facts in order with what the state is so far. It only notes which facts
 * counted; what they say is looked up afterwards.
 */
const trials = `
WITH submitted AS (
  SELECT sweep, min(seq) AS seq FROM journal.facts WHERE type = 'SweepSubmitted' GROUP BY sweep
), created AS (
  SELECT f.sweep, f.trial, min(f.seq) AS seq
  FROM journal.facts f JOIN submitted s ON s.sweep = f.sweep AND f.seq > s.seq
  WHERE f.type = 'TrialCreated' GROUP BY ALL
), folded AS (
  SELECT f.sweep, f.trial, max(f.seq) FILTER (WHERE f.type = 'VerdictReached') AS verdict, list_reduce(
    list({'type': f.type, 'seq': f.seq, 'epoch': f.epoch, 'state': NULL::VARCHAR, 'assigned': NULL::BIGINT,
      'placed': false, 'started': NULL::BIGINT, 'ended': NULL::BIGINT, 'stop': NULL::BIGINT, 'exploited': NULL::BIGINT,
      'class': CASE WHEN f.type = 'TrialFailed' THEN f.body->>'class' END} ORDER BY f.seq)
      FILTER (WHERE f.type <> 'VerdictReached'),
    lambda was, next: CASE
      WHEN was.ended IS NOT NULL THEN was
      WHEN next.type = 'TrialAssigned' AND was.state = 'pending'
        THEN struct_update(was, state := 'assigned', epoch := next.epoch, assigned := next.seq, placed := true)
      WHEN next.type = 'TrialStarted' AND was.state = 'assigned' AND next.epoch = was.epoch
        THEN struct_update(was, state := 'running', started := coalesce(was.started, next.seq))
      WHEN next.type = 'TrialReleased' AND was.state <> 'pending' AND next.epoch = was.epoch
        THEN struct_update(was, state := 'pending', placed := false)
      WHEN next.type = 'TrialStopRequested' THEN struct_update(was, stop := next.seq)
      WHEN next.type = 'TrialPaused' AND was.state <> 'paused' THEN struct_update(was, state := 'paused', placed := false)
      WHEN next.type = 'TrialResumed' AND was.state <> 'pending' THEN struct_update(was, state := 'pending')
      WHEN next.type = 'TrialExploited' AND was.state = 'paused'
        THEN struct_update(was, state := 'pending', exploited := next.seq)
      WHEN next.type = 'TrialCompleted' AND was.state IN ('assigned', 'running') AND next.epoch = was.epoch
        THEN struct_update(was, state := 'completed', ended := next.seq)
      WHEN next.type = 'TrialReused' AND was.state = 'pending'
        THEN struct_update(was, state := 'completed', ended := next.seq)
      WHEN next.type = 'TrialStopped' THEN struct_update(was, state := 'stopped', ended := next.seq)
      WHEN next.type = 'TrialFailed' AND was.state <> 'paused' 
        THEN struct_update(was, state := CASE WHEN next.class = 'oom' THEN 'infeasible' ELSE 'failed' END, ended := next.seq)
      WHEN next.type = 'TrialCancelled' THEN struct_update(was, state := 'cancelled', ended := next.seq)
      ELSE was END,
    {'type': '', 'seq': 0::BIGINT, 'epoch': NULL::INTEGER, 'state': 'pending', 'assigned': NULL::BIGINT,
      'placed': false, 'started': NULL::BIGINT, 'ended': NULL::BIGINT, 'stop': NULL::BIGINT,
      'exploited': NULL::BIGINT, 'class': NULL::VARCHAR}) AS now
  FROM journal.facts f JOIN created c ON c.sweep = f.sweep AND c.trial = f.trial AND f.seq >= c.seq
  GROUP BY f.sweep, f.trial
)
SELECT
  t.sweep,
  t.trial,
  t.now.state AS state,
  coalesce((assigned.body->>'attempt')::INTEGER, 0) AS attempt,
  t.now.epoch AS epoch,
  CASE WHEN t.now.placed THEN assigned.body->>'agent' END AS agent,
  CASE WHEN t.now.placed THEN (assigned.body->>'slot')::INTEGER END AS slot,
  (ended.body->>'objective')::DOUBLE AS objective,
  json_extract(coalesce(exploited.body, created.body), '$.parameters') AS parameters,
  coalesce(json_extract(ended.body, '$.values'), '{}'::JSON) AS final_values,
  verdict.body->>'$.verdict.kind' AS verdict,
  (verdict.body->>'$.verdict.sinceStep')::DOUBLE AS verdict_step,
  json_extract(verdict.body, '$.verdict') AS diagnosis,
  ${reasonSql("CASE WHEN ended.type IN ('TrialStopped', 'TrialCancelled') THEN ended.body->'reason' ELSE stop.body->'reason' END")} AS stop_reason,
  CASE WHEN ended.type = 'TrialFailed' THEN ended.body->>'class' END AS failure_class,
  CASE WHEN ended.type = 'TrialFailed' THEN ${reasonSql("ended.body->'message'")} END AS failure_message,
  CASE WHEN ended.type = 'TrialFailed' THEN ended.body->>'detail' END AS failure_detail,
  (created.body->>'seed')::BIGINT AS seed,
  (created.body->>'revision')::INTEGER AS revision,
  ${originSql("created.body->'origin'")} AS origin,
  CASE WHEN ended.type = 'TrialReused'
    THEN (ended.body->>'$.from.sweep') || '/' || (ended.body->>'$.from.trial') END AS reused_from,
  (exploited.body->>'$.from.trial')::INTEGER AS parent,
  epoch_ms(created.at_ms::BIGINT) AS created_at,
  epoch_ms(started.at_ms::BIGINT) AS started_at,
  epoch_ms(ended.at_ms::BIGINT) AS ended_at
FROM folded t
JOIN created c ON c.sweep = t.sweep AND c.trial = t.trial
JOIN journal.facts created ON created.seq = c.seq
LEFT JOIN journal.facts assigned ON assigned.seq = t.now.assigned
LEFT JOIN journal.facts started ON started.seq = t.now.started
LEFT JOIN journal.facts ended ON ended.seq = t.now.ended
LEFT JOIN journal.facts stop ON stop.seq = t.now.stop
LEFT JOIN journal.facts exploited ON exploited.seq = t.now.exploited
LEFT JOIN journal.facts verdict ON verdict.seq = t.verdict
`

const sweeps = `
WITH submitted AS (
  SELECT sweep, min(seq) AS seq FROM journal.facts WHERE type = 'SweepSubmitted' GROUP BY sweep
), folded AS (
  SELECT f.sweep, max(f.seq) FILTER (WHERE f.type = 'SweepExtended') AS extended, list_reduce(
    list({'type': f.type, 'seq': f.seq, 'status': NULL::VARCHAR, 'ended': NULL::BIGINT} ORDER BY f.seq),
    lambda was, next: CASE
      WHEN next.type = 'SweepExtended' THEN struct_update(was, status := 'running', ended := NULL::BIGINT)
      WHEN next.type = 'SweepPaused' AND was.ended IS NULL THEN struct_update(was, status := 'paused')
      WHEN next.type = 'SweepResumed' AND was.status = 'paused' THEN struct_update(was, status := 'running')
      WHEN next.type = 'SweepStopped' AND was.ended IS NULL THEN struct_update(was, status := 'stopped', ended := next.seq)
      WHEN next.type = 'SweepFinished' AND was.ended IS NULL THEN struct_update(was, status := 'finished', ended := next.seq)
      ELSE was END,
    {'type': '', 'seq': 0::BIGINT, 'status': 'running', 'ended': NULL::BIGINT}) AS now
  FROM journal.facts f JOIN submitted s ON s.sweep = f.sweep AND f.seq >= s.seq
  WHERE f.trial IS NULL GROUP BY f.sweep
), revised AS (
  SELECT t.*, s.seq AS submitted, json_extract(coalesce(extended.body, submitted.body), '$.spec') AS spec,
    coalesce((extended.body->>'revision')::INTEGER, 1) AS revision, submitted.at_ms, submitted.body AS submission
  FROM folded t JOIN submitted s ON s.sweep = t.sweep
  JOIN journal.facts submitted ON submitted.seq = s.seq
  LEFT JOIN journal.facts extended ON extended.seq = t.extended
)
SELECT
  r.sweep,
  r.spec->>'name' AS name,
  r.now.status AS status,
  r.revision,
  r.spec->>'model' AS model,
  r.spec->>'method' AS method,
  r.spec->>'$.metric.name' AS metric,
  r.spec->>'$.metric.goal' AS goal,
  ${reasonSql("ended.body->'reason'")} AS reason,
  json_extract(r.submission, '$.versions') AS versions,
  r.spec,
  epoch_ms(r.at_ms::BIGINT) AS created_at,
  epoch_ms(ended.at_ms::BIGINT) AS ended_at
FROM revised r LEFT JOIN journal.facts ended ON ended.seq = r.now.ended
`

const attempts = `
WITH moves AS (
  SELECT * FROM journal.facts
  WHERE type IN ('TrialAssigned', 'TrialStarted', 'TrialReleased', 'TrialCompleted', 'TrialPaused', 'TrialStopped',
    'TrialFailed', 'TrialCancelled')
), assigned AS (
  SELECT * FROM moves WHERE type = 'TrialAssigned'
  QUALIFY row_number() OVER (PARTITION BY sweep, trial, epoch ORDER BY seq) = 1
), later AS (
  SELECT a.seq AS assigned, min(m.seq) FILTER (WHERE m.type <> 'TrialStarted') AS ended,
    -- A start that comes after the end is another attempt's, or none.
    nullif(least(min(m.seq) FILTER (WHERE m.type = 'TrialStarted'), coalesce(ended, 9e18::BIGINT)), ended) AS started
  FROM assigned a JOIN moves m ON m.sweep = a.sweep AND m.trial = a.trial AND m.seq > a.seq
  WHERE m.epoch IS NULL OR (m.epoch = a.epoch) <> (m.type = 'TrialAssigned') GROUP BY a.seq
)
SELECT
  a.sweep,
  a.trial,
  (a.body->>'attempt')::INTEGER AS attempt,
  a.epoch,
  a.body->>'agent' AS agent,
  (a.body->>'slot')::INTEGER AS slot,
  CASE ended.type
    WHEN 'TrialAssigned' THEN 'replaced'
    WHEN 'TrialReleased' THEN 'released: ' || ${reasonSql("ended.body->'cause'")}
    ELSE lower(ended.type[6:]) END AS outcome,
  CASE ended.type WHEN 'TrialReleased' THEN ended.body->'cause' END AS cause,
  epoch_ms(a.at_ms::BIGINT) AS assigned_at,
  epoch_ms(started.at_ms::BIGINT) AS started_at,
  epoch_ms(ended.at_ms::BIGINT) AS ended_at
FROM assigned a
LEFT JOIN later l ON l.assigned = a.seq
LEFT JOIN journal.facts started ON started.seq = l.started
LEFT JOIN journal.facts ended ON ended.seq = l.ended
`

const metrics = `
SELECT a.sweep, a.trial, a.attempt, n.name AS metric, p.step, p.value, epoch_ms(try_cast(p.at_ms AS BIGINT)) AS recorded_at
FROM journal.points p JOIN journal.attempts a ON a.epoch = p.epoch JOIN journal.metric_names n ON n.id = p.metric
`

/** `epoch << 32 | seq` orders the lines of all attempts by age. */
const curves = `
SELECT a.sweep, a.trial, n.name AS metric, p.step, arg_max(p.value, (p.epoch::BIGINT << 32) | p.seq) AS value
FROM journal.points p JOIN journal.attempts a ON a.epoch = p.epoch JOIN journal.metric_names n ON n.id = p.metric
GROUP BY a.sweep, a.trial, n.name, p.step
`

const events = `
SELECT a.sweep, a.trial, a.attempt, e.seq, e.type, e.body, try_cast(e.body->>'at' AS TIMESTAMP) AS recorded_at
FROM journal.events e JOIN journal.attempts a ON a.epoch = e.epoch
`

const samples = `
SELECT a.sweep, a.trial, a.attempt, (e.body->>'probe')::INTEGER AS probe, e.body->>'prompt' AS prompt,
  e.body->>'answer' AS answer, try_cast(e.body->>'at' AS TIMESTAMP) AS recorded_at
FROM journal.events e JOIN journal.attempts a ON a.epoch = e.epoch WHERE e.type = 'sample'
`

const facts = `
SELECT seq, type, sweep, trial, epoch, body, epoch_ms(at_ms::BIGINT) AS recorded_at FROM journal.facts
`

const agents = `
WITH said AS (
  SELECT seq, at_ms, type, body, body->>'agent' AS agent FROM journal.facts WHERE type IN ('AgentConnected', 'AgentLeft', 'AgentLost')
), newest AS (
  SELECT agent, max(seq) AS seq, max(seq) FILTER (WHERE type = 'AgentConnected') AS connected FROM said GROUP BY agent
)
SELECT
  n.agent,
  CASE last.type WHEN 'AgentLost' THEN 'lost' WHEN 'AgentLeft' THEN 'left' ELSE 'connected' END AS state,
  connected.body->>'version' AS version,
  json_extract(connected.body, '$.devices') AS devices,
  CASE last.type WHEN 'AgentLost' THEN ${reasonSql("last.body->'reason'")} END AS reason,
  epoch_ms(connected.at_ms::BIGINT) AS connected_at,
  CASE last.type WHEN 'AgentLost' THEN epoch_ms(last.at_ms::BIGINT) END AS lost_at
FROM newest n JOIN said last ON last.seq = n.seq LEFT JOIN said connected ON connected.seq = n.connected
`

export const views: Readonly<Record<string, string>> = {
  sweeps,
  trials,
  attempts,
  metrics,
  curves,
  events,
  samples,
  facts,
  agents,
}
