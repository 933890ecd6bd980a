/** Replies of Compute Engine's REST API. */
import { jsonReply, type WireReply } from '../wire.ts';

export interface GcpFault {
  readonly status: number;
  /** As in `error.errors[0].reason`: what clients tell faults apart by, since 403 stands for several. */
  readonly reason: string;
  readonly message: string;
  readonly domain?: string;
}

export function gcpFault(status: number, reason: string, message: string): GcpFault {
  return { status, reason, message };
}

/** A value of a request that Compute Engine does not take. */
export function invalidValue(field: string, value: unknown, why: string): GcpFault {
  return gcpFault(400, 'invalid', `Invalid value for field '${field}': '${String(value)}'. ${why}`);
}

export function faultReply({ status, reason, message, domain = 'global' }: GcpFault): WireReply {
  const error = { code: status, message, errors: [{ message, domain, reason }] };
  return { ...jsonReply(status, { error }), code: reason };
}

/** Names of resources come back as URLs of this host, whichever host was asked. */
export function linkTo(name: string): string {
  return `https://www.googleapis.com/compute/v1/${name}`;
}
