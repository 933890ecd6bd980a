/** Replies of OCI's services. */
import { randomBytes } from 'node:crypto';
import type { AddressRefusal } from '../address-space.ts';
import { jsonReply, type WireReply } from '../wire.ts';

export interface OciFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** For what does not exist and for what the caller may not see: it is not told which. */
export const NOT_FOUND: OciFault = {
  status: 404,
  code: 'NotAuthorizedOrNotFound',
  message: 'Authorization failed or requested resource not found.',
};

export const NOT_AUTHENTICATED: OciFault = {
  status: 401,
  code: 'NotAuthenticated',
  message: 'The required information to complete authentication was not provided or was incorrect.',
};

export const NO_ETAG_MATCH: OciFault = {
  status: 412,
  code: 'NoEtagMatch',
  message: 'The if-match header does not match the ETag of the resource.',
};

export function ociFault(status: number, code: string, message: string): OciFault {
  return { status, code, message };
}

export function faultReply({ status, code, message }: OciFault): WireReply {
  return { ...ociReply(status, { code, message }), code };
}

/** @param body `undefined` for a reply without content */
export function ociReply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string | undefined>> = {},
): WireReply {
  const given = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const all = { 'opc-request-id': randomBytes(16).toString('hex').toUpperCase(), ...Object.fromEntries(given) };
  return body === undefined ? { status, headers: all } : jsonReply(status, body, all);
}

export function addressFault(refusal: AddressRefusal): OciFault {
  switch (refusal.code) {
    case 'address.nic-not-found':
    case 'address.not-assigned':
      return NOT_FOUND;
    case 'address.outside-subnet':
    case 'address.reserved': {
      const why = `IP address ${refusal.address} is not an assignable address of the subnet.`;
      return ociFault(400, 'InvalidParameter', why);
    }
    case 'address.held-elsewhere':
    case 'address.primary':
      return ociFault(409, 'Conflict', `IP address ${refusal.address} is already in use.`);
    case 'address.limit':
      return ociFault(400, 'LimitExceeded', 'The VNIC has as many private IPs as it can have.');
  }
}
