// The card of `--gpu`, by its size or its name.
import { knownCards, parseCard } from "@sweep/memory/cards"
import * as Effect from "effect/Effect"
import { badInput } from "../exitCodes.ts"

export const namedCard = (text: string) => {
  const card = parseCard(text)
  return card === undefined
    ? Effect.fail(
        badInput(
          `--gpu ${text}: expected a size such as 8GiB, a size behind a name such as a100-40gb, or one of: ${knownCards.join(", ")}`,
        ),
      )
    : Effect.succeed(card)
}
