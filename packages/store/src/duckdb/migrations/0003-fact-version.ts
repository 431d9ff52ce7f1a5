// Which version of the facts' vocabulary a database may hold: that of the newest program that opened it. A program that
// knows less refuses the file with a sentence instead of stumbling over the first fact that it cannot read.
export const factVersionTable = `
CREATE TABLE journal.fact_versions (version INTEGER NOT NULL, since TIMESTAMP NOT NULL);
INSERT INTO journal.fact_versions VALUES (1, now()::TIMESTAMP);
`
