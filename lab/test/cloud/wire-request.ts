import type { WireRequest } from '../../src/cloud/wire.ts';

/** A request as it would arrive; header names in lower case. */
export function wireRequest(given: Partial<WireRequest>): WireRequest {
  const target = given.target ?? '/';
  const url = new URL(target, 'https://host.test');
  return {
    method: 'POST',
    target,
    path: url.pathname,
    query: url.searchParams,
    headers: {},
    body: '',
    sourceAddress: '10.77.60.4',
    ...given,
  };
}
