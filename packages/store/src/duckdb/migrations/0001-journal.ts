// The journal: what is appended and never edited. No keys and no indexes: what is unique is kept so by the one writer.
export const journal = `
CREATE SCHEMA journal;

-- Every fact, in the order of the commits; body is the fact itself.
CREATE TABLE journal.facts (
  seq BIGINT NOT NULL,
  at_ms DOUBLE NOT NULL,
  sweep VARCHAR,
  trial INTEGER,
  epoch INTEGER,
  type VARCHAR NOT NULL,
  body JSON NOT NULL
);

-- Whose an epoch is: metrics carry the number alone.
CREATE TABLE journal.attempts (epoch INTEGER NOT NULL, sweep VARCHAR NOT NULL, trial INTEGER NOT NULL, attempt INTEGER NOT NULL);
CREATE TABLE journal.metric_names (id INTEGER NOT NULL, name VARCHAR NOT NULL);

CREATE TABLE journal.points (epoch INTEGER, seq INTEGER, metric INTEGER, step DOUBLE, value DOUBLE, at_ms DOUBLE);
CREATE TABLE journal.events (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, type VARCHAR NOT NULL, body JSON NOT NULL);
CREATE TABLE journal.output (
  epoch INTEGER NOT NULL,
  stream VARCHAR NOT NULL,
  "offset" BIGINT NOT NULL,
  "end" BIGINT NOT NULL,
  text VARCHAR NOT NULL
);

-- Last lines of batches that left neither a point nor an event, so that the high-water mark is known all the same.
CREATE TABLE journal.marks (epoch INTEGER NOT NULL, seq INTEGER NOT NULL);
`
