import { layerMemory } from "../src/Store.ts"
import { storeContract } from "./storeContract.ts"

storeContract("the memory layer", () => layerMemory)
