/**
 * What goes wrong on the way, counted and never timed. The object stays with its owner, who may change it at any time;
 * `requests` counts what has left the device, repetitions included, and may be set back to 0.
 * The lists hold numbers of requests, the first being 1.
 */
export interface NetworkFaults {
  requests?: number;
  /** the request reaches the server, the reply does not come back; the device sends the same bytes once more (which is request n + 1) */
  loseReplyOf?: number[];
  /** the message arrives twice (the second is request n + 1); the device reads the second reply */
  sendTwice?: number[];
  /** the network is gone before request n leaves, and stays away for this act */
  cutOffBefore?: number[];
  /** the reply of request n has arrived and nothing has been done with it when the power goes: a PowerCut is thrown */
  powerCutAfter?: number[];
}

export function isHit(list: number[] | undefined, n: number): boolean {
  return list?.includes(n) ?? false;
}
