// Which store this is: one row. A copy that `backup` makes has the same id, and a backup that was put back a new one, so
// that whoever remembers a store by its id (an agent does) recognises one whose past was cut off.
export const store = `
CREATE TABLE journal.store (id VARCHAR NOT NULL);
INSERT INTO journal.store SELECT uuid()::VARCHAR;
`
