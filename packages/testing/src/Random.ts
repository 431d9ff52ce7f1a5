// The seeded generator for the tests of rooms that may not import search.
export { random, type Random } from "@sweep/search/Random"
