/** Replies of Azure Resource Manager. */
import { randomUUID } from 'node:crypto';
import type { AddressRefusal } from '../address-space.ts';
import { jsonReply, type WireReply } from '../wire.ts';

export interface ArmFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function armFault(status: number, code: string, message: string): ArmFault {
  return { status, code, message };
}

export function faultReply({ status, code, message, headers = {} }: ArmFault): WireReply {
  return { ...armReply(status, { error: { code, message, details: [] } }, headers), code };
}

export function armReply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WireReply {
  const requestId = randomUUID();
  return jsonReply(status, body, {
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': requestId,
    ...headers,
  });
}

/** Network resource provider's refusals; callers tell who holds an address from the message. */
export function addressFault(
  refusal: AddressRefusal,
  context: { readonly cidr: string; readonly wants: string; readonly holderId: (address: string) => string },
): ArmFault {
  switch (refusal.code) {
    case 'address.outside-subnet': {
      const why = `Private static IP address ${refusal.address} does not belong to the range of subnet prefix ${context.cidr}.`;
      return armFault(400, 'PrivateIPAddressNotInSubnet', why);
    }
    case 'address.reserved': {
      const why = `Private static IP address ${refusal.address} falls within reserved IP range of subnet prefix ${context.cidr}.`;
      return armFault(400, 'PrivateIPAddressInReservedRange', why);
    }
    case 'address.held-elsewhere':
    case 'address.primary': {
      const using = `IP configuration ${context.wants} is using the private IP address ${refusal.address}`;
      const why = `${using} which is already allocated to resource ${context.holderId(refusal.address)}.`;
      return armFault(400, 'PrivateIPAddressIsAllocated', why);
    }
    case 'address.limit': {
      const why = `A network interface cannot have more than ${refusal.nic.addressesMax} IP configurations.`;
      return armFault(400, 'InvalidIPConfigCount', why);
    }
    case 'address.nic-not-found':
    case 'address.not-assigned':
      return armFault(500, 'InternalServerError', 'An error occurred.');
  }
}
