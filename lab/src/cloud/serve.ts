/** Runs a vendor's service behind an HTTP server: journal, fault cards, replies. The same for all clouds. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '@routerd/runtime';
import { CallQuota } from './call-quota.ts';
import type { ControlPlane } from './control-plane.ts';
import type { JournalOutcome } from './control-messages.ts';
import { lackingPermission } from './permissions.ts';
import type { FaultDeck } from './fault-deck.ts';
import type { RequestJournal } from './request-journal.ts';
import { readRequest, type AdmittedCall, type OperationEnding, type Service, type WireReply } from './wire.ts';

export interface ServeParts {
  readonly journal: RequestJournal;
  readonly faults: FaultDeck;
  readonly plane: ControlPlane;
  readonly log: Log;
}

/** With the account's buckets, which the metadata service has none of. */
interface CountedParts extends ServeParts {
  readonly quota: CallQuota | undefined;
}

/** What happens on the connection in the end. */
type Ending =
  | { readonly kind: 'reply'; readonly reply: WireReply }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' };

export function serve(
  service: Service,
  parts: ServeParts,
): (message: IncomingMessage, response: ServerResponse) => void {
  const quota = service.name === 'api' ? new CallQuota(parts.plane.config.cloud) : undefined;
  return (message, response) => {
    answer(service, { ...parts, quota }, message, response).catch((cause: unknown) => {
      if (response.destroyed || message.destroyed) return; // the client went away
      parts.log.error('a request could not be served', { event: 'cloud.request.failed', cause: String(cause) });
      send(response, service.failed());
    });
  };
}

async function answer(
  service: Service,
  parts: CountedParts,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(message);
  if (request === undefined) {
    send(response, { status: 413 });
    return;
  }
  const call = await service.admit(request);
  const { operation, principal, parameters, mutating } = call;
  const close = parts.journal.open({ service: service.name, operation, principal, parameters, mutating });
  const { ending, outcome } =
    'refusal' in call
      ? { ending: { kind: 'reply', reply: call.refusal } as const, outcome: outcomeOf(call.refusal) }
      : await performWithinQuota(service, parts, call);
  close(outcome);
  parts.log.info('request', {
    event: 'cloud.request',
    service: service.name,
    source: request.sourceAddress,
    operation,
    principal,
    ...outcome,
  });
  switch (ending.kind) {
    case 'reply':
      send(response, ending.reply);
      return;
    case 'reset':
      message.socket.destroy(); // without a TLS goodbye: to the client the connection was reset
      return;
    case 'hang': // until the client gives up, or the server stops
  }
}

interface Performed {
  readonly ending: Ending;
  readonly outcome: JournalOutcome;
}

async function performWithinQuota(service: Service, parts: CountedParts, call: AdmittedCall): Promise<Performed> {
  const { quotaPercent } = parts.plane.knobs;
  const counted =
    quotaPercent === undefined ? undefined : parts.quota?.spend(call, quotaPercent, parts.plane.clock.monotonic());
  if (counted === undefined) return performWithFaults(service, parts, call);
  const told = (reply: WireReply, left: number): Ending => {
    const rate = service.rateHeaders?.(counted.call, left);
    return { kind: 'reply', reply: { ...reply, headers: { ...reply.headers, ...rate } } };
  };
  if (counted.kind === 'refused') {
    const reply = service.throttled(counted.afterMs);
    return { ending: told(reply, 0), outcome: { ...outcomeOf(reply), fault: 'throttle' } };
  }
  const { ending, outcome } = await performWithFaults(service, parts, call);
  return { ending: ending.kind === 'reply' ? told(ending.reply, counted.left) : ending, outcome };
}

async function performWithFaults(
  service: Service,
  { faults, plane, log }: ServeParts,
  call: AdmittedCall,
): Promise<Performed> {
  const lacking =
    service.name !== 'imds'
      ? lackingPermission(plane.config.cloud, call.operation, plane.knobs.permissions)
      : undefined;
  if (lacking !== undefined) {
    const reply = service.denied(call, lacking);
    return { ending: { kind: 'reply', reply }, outcome: outcomeOf(reply) };
  }
  const card = faults.draw({ service: service.name, ...call });
  const perform = async (operationEnding: OperationEnding = 'succeeded'): Promise<WireReply> => {
    try {
      return await call.perform(operationEnding);
    } catch (cause) {
      log.error('an operation broke', {
        event: 'cloud.operation.broken',
        operation: call.operation,
        cause: String(cause),
      });
      return service.failed();
    }
  };
  const replying = (reply: WireReply): { ending: Ending; outcome: JournalOutcome } => ({
    ending: { kind: 'reply', reply },
    outcome: { ...outcomeOf(reply), ...(card === undefined ? {} : { fault: card.kind }) },
  });
  if (card === undefined) return replying(await perform());
  await plane.pause(card.delayMs);
  switch (card.kind) {
    case 'delay':
      return replying(await perform());
    case 'throttle':
      return replying(service.throttled());
    case 'error-before':
      return replying(service.failed());
    case 'error-after':
      await perform();
      return replying(service.failed());
    case 'busy':
      return replying(service.busy());
    case 'denied':
      return replying(service.denied(call));
    case 'unauthenticated':
      return replying(service.unauthenticated());
    case 'overtaken':
      call.overtake?.();
      return replying(await perform());
    case 'operation-failed':
      return replying(await perform('failed'));
    case 'operation-half-done':
      return replying(await perform('failed-but-done'));
    case 'reset-after':
      await perform();
      return { ending: { kind: 'reset' }, outcome: { status: 0, fault: card.kind } };
    case 'hang':
      return { ending: { kind: 'hang' }, outcome: { status: 0, fault: card.kind } };
  }
}

function outcomeOf({ status, code }: WireReply): JournalOutcome {
  return { status, ...(code === undefined ? {} : { code }) };
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: WireReply): void {
  const length = status === 204 ? {} : { 'content-length': `${Buffer.byteLength(body)}` };
  response.writeHead(status, { ...headers, ...length });
  response.end(body);
}
