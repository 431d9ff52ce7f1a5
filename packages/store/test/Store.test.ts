import { layerMemory } from "../src/Store.ts"
import { storeContract } from "@sweep/testing/storeContract"

storeContract("the memory layer", () => layerMemory)
