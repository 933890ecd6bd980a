/** What an executor said of itself when its process began: the version both speak, and the kinds of requests that it has. Pure. */
import {
  API_VERSION,
  API_VERSIONS,
  REQUEST_KINDS,
  type DescribeResult,
  type RequestKind,
  type ResultMessage,
} from '@routerd/plugin-sdk';
import { shownMessage } from './redact.ts';

export interface ExecutorDescription {
  /** `unnamed` where it said nothing of itself. */
  readonly name: string;
  readonly release: string;
  readonly version: string;
  readonly requests: readonly RequestKind[];
  readonly storesEpoch: boolean;
}

export type Negotiation =
  | { readonly kind: 'agreed'; readonly description: ExecutorDescription }
  | { readonly kind: 'incompatible'; readonly detail: string };

/** The number of the failure that says: no common version. */
const NO_COMMON_VERSION = 504;

/** An executor from before there was a negotiation, or one that does not care for it. */
export const PLAIN: ExecutorDescription = {
  name: 'unnamed',
  release: 'unknown',
  version: API_VERSION,
  requests: ['ExecuteActionRequest', 'ObserveNicRequest'],
  storesEpoch: false,
};

export function describeLine(id: string): string {
  return JSON.stringify({ apiVersion: API_VERSION, kind: 'DescribeRequest', id, spec: { versions: API_VERSIONS } });
}

export function negotiated({ kind, status }: ResultMessage): Negotiation {
  if (status.status === 'failed') {
    const { number, message } = status.error;
    return number === NO_COMMON_VERSION
      ? { kind: 'incompatible', detail: message }
      : { kind: 'agreed', description: PLAIN };
  }
  if (kind !== 'DescribeResult') return { kind: 'agreed', description: PLAIN };
  return agreed(status);
}

function agreed(said: Extract<DescribeResult['status'], { readonly status: 'completed' }>): Negotiation {
  const { version, executor, requests, storesEpoch } = said;
  if (!API_VERSIONS.some((own) => own === version))
    return { kind: 'incompatible', detail: `it chose ${version}, which was not offered` };
  const known = REQUEST_KINDS.filter((each) => requests.includes(each));
  const { name, release } = executor;
  const named = { name: shownMessage(name), release: shownMessage(release) };
  return { kind: 'agreed', description: { ...named, version, requests: known, storesEpoch } };
}
