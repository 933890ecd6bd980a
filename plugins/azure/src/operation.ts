/** Long-running operations: what their replies say. Pure. */
import { objectOf, textOf } from '@routerd/plugin-sdk';

export type OperationState =
  | { readonly kind: 'running' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The body of the `Azure-AsyncOperation` URL (Resource Manager, "Track asynchronous Azure operations"). */
export function operationStateOf(body: unknown): OperationState {
  const operation = objectOf(body);
  const status = textOf(operation['status']).toLowerCase();
  if (status === 'succeeded') return { kind: 'succeeded' };
  if (status !== 'failed' && status !== 'canceled') return { kind: 'running' };
  return { kind: 'failed', ...errorOf(body, status === 'failed' ? 'OperationFailed' : 'OperationCanceled') };
}

/** The code and message of an error body, `{ error: { code, message } }`. */
export function errorOf(body: unknown, fallbackCode: string): { readonly code: string; readonly message: string } {
  const error = objectOf(objectOf(body)['error']);
  return { code: textOf(error['code']) || fallbackCode, message: textOf(error['message']) || 'no message' };
}

type Headers = Readonly<Record<string, string | undefined>>;

/** What the server asked for, in milliseconds; fractions of a second are honoured, dates are not (Azure sends seconds). */
export function retryAfterMsOf(headers: Headers): number | undefined {
  const milliseconds = headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms'];
  if (milliseconds !== undefined && Number(milliseconds) >= 0) return Number(milliseconds);
  const seconds = Number(headers['retry-after'] ?? 'absent');
  return seconds >= 0 ? seconds * 1000 : undefined;
}

const POLL_MS = { least: 50, unasked: 1000 } as const;

/** The pause before the next poll: the server's word, but never a busy loop. */
export function pollPauseMs(headers: Headers): number {
  return Math.max(POLL_MS.least, retryAfterMsOf(headers) ?? POLL_MS.unasked);
}
