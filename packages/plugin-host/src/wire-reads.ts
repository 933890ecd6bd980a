/** The requests that an executor may leave out, and what their answers say. Pure. Messages are redacted like all that plugins write. */
import type { NicTarget } from '@routerd/actions';
import {
  API_VERSION,
  type CheckReport,
  type InventoryPage,
  type PreflightReport,
  type ResultMessage,
} from '@routerd/plugin-sdk';
import { shownMessage } from './redact.ts';
import { wireTarget } from './wire.ts';

export function readLine(
  id: string,
  nic: NicTarget,
  { kind, spec }: { readonly kind: string; readonly spec: object },
): string {
  return JSON.stringify({ apiVersion: API_VERSION, kind, id, spec: { nic: wireTarget(nic), ...spec } });
}

export function preflightOf({ kind, status }: ResultMessage): PreflightReport | undefined {
  if (kind !== 'PreflightResult' || status.status === 'failed') return undefined;
  const { status: _, identity, findings } = status;
  const shown = findings.map(({ name, permission, message, remedy, ...rest }) => ({
    ...rest,
    name: shownMessage(name),
    message: shownMessage(message),
    ...(permission === undefined ? {} : { permission: shownMessage(permission) }),
    ...(remedy === undefined ? {} : { remedy: shownMessage(remedy) }),
  }));
  return identity === undefined ? { findings: shown } : { identity: shownMessage(identity), findings: shown };
}

export function checkOf({ kind, status }: ResultMessage): CheckReport | undefined {
  if (kind !== 'CheckResult' || status.status === 'failed') return undefined;
  const { forwarding, results } = status;
  return { forwarding, results: results.map((each) => ({ ...each, message: shownMessage(each.message) })) };
}

export function inventoryOf({ kind, status }: ResultMessage): InventoryPage | undefined {
  if (kind !== 'InventoryResult' || status.status === 'failed') return undefined;
  const { status: _, ...page } = status;
  return page;
}
