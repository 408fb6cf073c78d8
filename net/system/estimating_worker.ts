/**
 * The Worker that estimates passwords; see `worker_estimator.ts`. `deno compile` must include this file by
 * name.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { localEstimator } from "../../lib/guessing.ts";
import type { EstimateAnswer, EstimateRequest } from "./worker_estimator.ts";

self.onmessage = async ({ data: { id, estimate } }: MessageEvent<EstimateRequest>) => {
  if (estimate === undefined) {
    await localEstimator.prepare();
    self.postMessage({ id } satisfies EstimateAnswer);
    return;
  }
  const guessability = await localEstimator.estimate(estimate.password, estimate.related);
  self.postMessage({ id, guessability } satisfies EstimateAnswer);
};
