/** Between the executor port's words and the wire's. Pure. */
import type { ExecuteOutcome, ExecuteRequest, NicState, NicTarget } from '@routerd/actions';
import { API_VERSION, type ExecuteActionResult, type ObserveNicResult } from '@routerd/plugin-sdk';
import { parseHostAddress, type HostAddress } from '@routerd/resources';
import { redactValues, shownMessage } from './redact.ts';

type CompletedExecute = Extract<ExecuteActionResult['status'], { readonly status: 'completed' }>;
type WireNic = Extract<ObserveNicResult['status'], { readonly status: 'completed' }>['nic'];

export function executeLine(id: string, request: ExecuteRequest): string {
  const { nic, verb: action, addresses, mode, attempt } = request;
  const spec = {
    action,
    nic: wireTarget(nic),
    addresses: addresses.map(({ address, captureKey, captureEpoch, seizeFrom }) => ({
      address,
      captureKey,
      captureEpoch,
      ...(seizeFrom === undefined ? {} : { seizeFrom }),
    })),
    mode,
    attempt,
  };
  return JSON.stringify({ apiVersion: API_VERSION, kind: 'ExecuteActionRequest', id, spec });
}

export function observeLine(id: string, nic: NicTarget): string {
  return JSON.stringify({ apiVersion: API_VERSION, kind: 'ObserveNicRequest', id, spec: { nic: wireTarget(nic) } });
}

/** Exactly the fields of the protocol: the plugin refuses any other. */
export function wireTarget({ provider, providerRef, nicRef, target }: NicTarget): NicTarget {
  return { provider, providerRef, nicRef, target };
}

/** @returns undefined if an address is none */
export function outcomeOf(completed: CompletedExecute): ExecuteOutcome | undefined {
  const results: ExecuteOutcome['results'][number][] = [];
  for (const { address: text, status, message, errorClass } of completed.results) {
    const address = parseHostAddress(text);
    if (!address.ok) return undefined;
    results.push({ address: address.value, status, message: shownMessage(message), errorClass });
  }
  const nic = completed.nic === undefined ? undefined : nicStateOf(completed.nic);
  if (nic === undefined && completed.nic !== undefined) return undefined;
  return { results, observed: redactValues(completed.observed), nic };
}

/** @returns undefined if an address is none */
export function nicStateOf({ addresses: texts, forwarding }: WireNic): NicState | undefined {
  const addresses: HostAddress[] = [];
  for (const text of texts) {
    const address = parseHostAddress(text);
    if (!address.ok) return undefined;
    addresses.push(address.value);
  }
  return { addresses, forwarding };
}
