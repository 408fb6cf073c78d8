import { linksContract } from "./links_contract.ts";
import { zmqWorld } from "./links_world.ts";

linksContract("ZeroMQ links", zmqWorld);
