// The answer to a person's SQL.

export interface QueryResult {
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: string }>
  /** JSON values; what does not fit in one (dates, integers beyond 2^53) is text. */
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
  /** Whether there were more rows than the limit. */
  readonly truncated: boolean
}
