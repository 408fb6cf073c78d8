/** Calls of a running peer while others push its clients out of the loopback port. */

import type { PeerCalls } from "../../../core/api.ts";
import { LoopbackClient } from "../../../ui/peer/loopback_client.ts";
import type { PortFile } from "../../../ui/peer/loopback_protocol.ts";

/** Calls again, as every command does, where no peer has taken the request. */
export async function persistently<T>(
  port: PortFile,
  call: (api: PeerCalls) => Promise<T>,
): Promise<T> {
  for (;;) {
    const client = new LoopbackClient(port);
    try {
      return await call(client.api);
    } catch (error) {
      if (!client.isUntouched) throw error;
    }
  }
}
